// DeltaClient
