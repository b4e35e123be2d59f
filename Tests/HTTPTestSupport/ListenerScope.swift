package import Addresses
import Logging
package import ServiceLifecycle

/// Runs a listener on a free port while `body` runs, then stops it gracefully.
package func withListener<Value: Sendable>(
    _ make: (@escaping @Sendable (HostPort) async -> Void) throws -> any Service,
    _ body: @Sendable @escaping (_ port: Int) async throws -> Value
) async throws -> Value {
    let (addresses, continuation) = AsyncStream.makeStream(of: HostPort.self)
    let listener = try make { address in
        continuation.yield(address)
        continuation.finish()
    }
    var configuration = ServiceGroupConfiguration(
        services: [listener], logger: Logger(label: "test"))
    configuration.maximumGracefulShutdownDuration = .seconds(5)
    configuration.maximumCancellationDuration = .seconds(10)
    let group = ServiceGroup(configuration: configuration)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { continuation.finish() }
            try await group.run()
        }
        var value: Result<Value, any Error>?
        for await address in addresses {
            do {
                value = .success(try await body(address.port))
            } catch {
                value = .failure(error)
            }
            await group.triggerGracefulShutdown()
        }
        try await tasks.waitForAll()
        guard let value else { throw ListenerNeverStarted() }
        return try value.get()
    }
}

struct ListenerNeverStarted: Error {}

/// Port 0 on loopback, which selects a free port.
package let anyLoopbackPort = HostPort(host: "127.0.0.1", port: 0)
