// DeltaCodec
