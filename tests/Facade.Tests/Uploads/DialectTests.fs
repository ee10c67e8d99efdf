/// Uploads to stores of every dialect that LoopbackS3 speaks, whose checksums it computes by code of its own.
module Facade.Tests.DialectTests

open System
open System.Collections.Generic
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

let private sizes = [ 0; 1; 65_536; 300_000 ]

/// The integrity of a first and of a second receipt, and the checksums in both.
let private confirmations = [
    "PlainMd5", "etag-md5", "etag-md5", []
    "AmazonS3", "etag-md5", "checksum-crc64nvme", [ "crc64nvme" ]
    "AmazonS3Kms", "checksum-crc64nvme", "checksum-crc64nvme", [ "crc64nvme" ]
    "CloudflareR2", "etag-md5", "checksum-crc64nvme", [ "crc64nvme" ]
    "MinIO", "etag-md5", "etag-md5", []
    "SeaweedFS", "etag-md5", "etag-md5", []
    "GoogleCloudStorage", "content-md5", "content-md5", [ "crc32c"; "md5" ]
    "GoogleCloudStorageTwoLines", "content-md5", "content-md5", [ "crc32c"; "md5" ]
    "AzureBlob", "content-md5", "content-md5", [ "md5" ]
    "AlibabaOss", "content-md5", "content-md5", [ "crc64xz"; "md5" ]
    "TencentCos", "etag-md5", "etag-md5", [ "crc64xz" ]
    "OracleObjectStorage", "content-md5", "content-md5", [ "md5" ]
]

/// A sink whose URLs are presigned as they are asked for, and which tries twice.
let private sinkOf (scene: Scene) =
    new PresignedS3ExportSink(
        PresignedS3ExportSinkOptions(
            PresignedUrlProvider =
                (fun request _ ->
                    ValueTask<string>(scene.Server.Presign("PUT", bucket, keyOf request.ArtifactName))),
            CellId = cellId,
            Bucket = bucket,
            MaxAttempts = 2,
            RetryBackoff = TimeSpan.Zero
        )
    )

/// Azure demands the type of the blob.
let private metadata =
    ExportArtifactMetadata(Headers = Dictionary(dict [ "x-ms-blob-type", "BlockBlob" ]))

let private dialectScene (name: string) (content: byte[]) =
    sceneWith (LoopbackS3Options(Dialect = Dialect.All[name])) "report.bin" content

[<Tests>]
let tests =
    testList "a store's dialect" [
        testCase "has a row here, whichever it is" (fun () ->
            Expect.equal
                (confirmations |> List.map (fun (name, _, _, _) -> name) |> set)
                (set Dialect.All.Keys)
                "the dialects of LoopbackS3")

        for name, first, second, checksums in confirmations do
            testCaseTask $"{name}: a receipt names what the store confirmed" (fun () ->
                task {
                    for size in sizes do
                        use! scene = dialectScene name (patterned size)
                        use sink = sinkOf scene

                        for artifact, integrity in [ scene.Artifact, first; "second.bin", second ] do
                            let! receipt = sink.PushAsync(artifact, scene.Path, metadata)
                            let stored = scene.Server.Objects[struct (bucket, keyOf artifact)]
                            Expect.equal receipt.Integrity integrity $"{artifact}, {size} bytes"
                            Expect.equal receipt.Sha256 (sha256 scene.Content) "SHA-256"
                            Expect.equal stored.Length (int64 size) "what is stored"

                            Expect.equal
                                (receipt.Checksums.Keys |> Seq.sort |> List.ofSeq)
                                checksums
                                $"the checksums of {artifact}, {size} bytes"
                })

            if not checksums.IsEmpty then
                testCaseTask $"{name}: a wrong checksum costs the receipt" (fun () ->
                    task {
                        use! scene = dialectScene name (patterned 300_000)
                        use sink = sinkOf scene
                        scene.Server.Misbehave(bucket, scene.Key, Fault.WrongChecksums, Fault.WrongChecksums)

                        let push () =
                            sink.PushAsync(scene.Artifact, scene.Path, metadata)

                        let! failure = failureOf push
                        Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch failure.Message
                        Expect.equal failure.Attempts 2 "once more, and then no more"
                        // The store is in order again.
                        let! receipt = push ()
                        Expect.equal receipt.Attempts 1 "the next push"
                    })
    ]
