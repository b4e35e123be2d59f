// DeltaIngest
