// TransferGenerator
