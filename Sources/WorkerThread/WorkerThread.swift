// WorkerThread
