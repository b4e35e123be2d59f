import CivilTime
import Federation
import Identifiers
import Platform

extension StoreConversation {
    /// Regions that have buckets in the store but are not configured, by name.
    mutating func foreignRegions(
        now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) -> [RegionID] {
        let doing = "looking for regions"
        let family = StoreKeys.liveness(RegionID(unchecked: ""))
        var regions: Set<RegionID> = []
        var cursor = "0"
        repeat {
            let (next, keys) = try send(
                RedisCommand(
                    "SCAN", cursor, "MATCH", family + "*", "COUNT",
                    String(ScriptLimits.keysPerScan)), deadline: deadline, doing: doing
            ) { (reply) throws(RedisStoreError) -> (String, [String]) in
                let answer = try reply.array(atLeast: 2, doing: doing)
                return (answer[0].text ?? "0", answer[1].texts)
            }
            regions.formUnion(keys.compactMap { RegionID(String($0.dropFirst(family.count))) })
            cursor = next
        } while cursor != "0"
        var foreign: [RegionID] = []
        for region in regions.subtracting(configuration.regions).sorted()
        where try holdsBuckets(region, now: now, deadline: deadline) {
            foreign.append(region)
        }
        return foreign
    }

    private mutating func holdsBuckets(
        _ region: RegionID, now: UnixTime, deadline: Deadline
    ) throws(RedisStoreError) -> Bool {
        let minutes = Array(StoreRetention.near(now: now))
        for start in stride(from: 0, to: minutes.count, by: ScriptLimits.minutesPerPresenceCheck) {
            let chunk = minutes[start...].prefix(ScriptLimits.minutesPerPresenceCheck)
            var command = RedisCommand()
            command.append(Self.packed([region.name]))
            command.append(Self.packed(chunk.map { String($0.number) }))
            // The sums do not matter: any one currency will do.
            command.append(Self.packed(["USD"]))
            let doing = "counting the keys of minutes"
            let isFound = try runReading(.presence, command, deadline: deadline, doing: doing) {
                (reply) throws(RedisStoreError) -> Bool in
                let answer = try reply.array(atLeast: chunk.count + 2, doing: doing)
                for index in 0..<chunk.count {
                    let hashes = try answer[index + 2].array(atLeast: 4, doing: doing)[3]
                    if hashes.count > 0, hashes[0].integer ?? 0 > 0 { return true }
                }
                return false
            }
            if isFound { return true }
        }
        return false
    }
}
