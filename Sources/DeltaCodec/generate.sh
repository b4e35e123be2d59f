#!/bin/sh
# Regenerates delta.pb.swift from delta.proto.
#
# Needs protoc (Debian: protobuf-compiler). Builds protoc-gen-swift from the swift-protobuf checkout,
# a minute the first time, so that generator and runtime are of one version.
set -eu
cd "$(dirname "$0")/../.."

scratch=.build/protoc-gen-swift
plugin=$scratch/release/protoc-gen-swift
swift package resolve
swift build -c release --package-path .build/checkouts/swift-protobuf \
    --product protoc-gen-swift --scratch-path "$scratch"
protoc --plugin=protoc-gen-swift="$plugin" --proto_path=Sources/DeltaCodec \
    --swift_out=Sources/DeltaCodec --swift_opt=Visibility=Internal \
    --swift_opt=UseAccessLevelOnImports=true delta.proto
