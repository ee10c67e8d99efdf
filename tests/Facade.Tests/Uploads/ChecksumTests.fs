/// Checksums end to end: what a URL signs or fixes, and what a receipt says of them, compared with LoopbackS3's own code.
module Facade.Tests.ChecksumTests

open System
open System.Collections.Generic
open System.Security.Cryptography
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core.Tests
open Expecto
open FsCheck.FSharp
open Facade.Tests.Support
open LoopbackS3

let private crc (make: unit -> Crc) (content: byte[]) =
    let crc = make ()
    crc.Append content
    crc.ToBytes()

/// The checksums by their names in receipts.
let private algorithms: (string * (byte[] -> byte[])) list = [
    "crc32", crc Crc.Crc32
    "crc32c", crc Crc.Crc32C
    "crc64nvme", crc Crc.Crc64Nvme
    "crc64xz", crc Crc.Crc64Xz
    "md5", MD5.HashData
    "sha1", SHA1.HashData
    "sha256", SHA256.HashData
]

let private base64 (name: string) (content: byte[]) =
    Convert.ToBase64String((algorithms |> List.find (fun (other, _) -> other = name) |> snd) content)

let private signable = [ "crc32"; "crc32c"; "crc64nvme"; "sha1"; "sha256" ]
let private content = patterned 70_001

/// A URL that signs this header with this value.
let private signing (scene: Scene) (name: string) (value: string) =
    scene.Server.Presign(
        "PUT",
        bucket,
        scene.Key,
        headers = Dictionary(dict [ $"x-amz-checksum-{name}", value ])
    )

let private signedTests = [
    for name in signable do
        testCaseTask $"that a URL signs is computed, sent, confirmed and in the receipt: {name}" (fun () ->
            task {
                use! scene = scene "a" content
                let own = base64 name content
                use sink = sinkFor (signing scene name own)
                let! receipt = sink.PushAsync("a", scene.Path)
                let put = Expect.wantSome (List.tryExactlyOne scene.Puts) "one request"
                Expect.equal put.Headers[$"x-amz-checksum-{name}"] own "the header"
                Expect.equal receipt.Checksums[name] own "the receipt"

                Expect.equal
                    receipt.Integrity
                    (if name = "sha256" then "checksum-sha256" else "etag-md5")
                    "the strongest confirmation"
            })

        testCaseTask $"that a URL signs of other content leaves nothing in the store: {name}" (fun () ->
            task {
                use! scene = scene "a" content
                use sink = sinkFor (signing scene name (base64 name (patterned 70_000)))
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                Expect.equal failure.ErrorCode "SignatureDoesNotMatch" failure.Message
                // The value of the file, which is not a secret.
                Expect.stringContains failure.Message (base64 name content) "what to compare"
                Expect.isNone scene.Stored "the store"
            })

        testCaseTask $"that a query fixes of other content is reported before a request: {name}" (fun () ->
            task {
                use! scene = scene "a" content

                let url (of': byte[]) =
                    scene.Server.Presign(
                        "PUT",
                        bucket,
                        scene.Key,
                        query = Dictionary(dict [ $"x-amz-checksum-{name}", base64 name of' ])
                    )

                use other = sinkFor (url (patterned 70_000))
                let! failure = failureOf (fun () -> other.PushAsync("a", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable failure.Message
                Expect.stringContains failure.Message $"'x-amz-checksum-{name}' in its query" "what is wrong"
                Expect.isEmpty scene.Puts "nothing was sent"
                use right = sinkFor (url content)
                let! receipt = right.PushAsync("a", scene.Path)
                Expect.equal receipt.BytesWritten content.LongLength "the right one is sent"
            })
]

/// A store's dialect, content, and how the store misbehaves at each attempt.
let private cases =
    gen {
        let! dialect = Gen.elements (List.ofSeq Dialect.All.Keys)

        let! size =
            Gen.frequency [ 1, Gen.constant 0; 4, Gen.choose (1, 300); 4, Gen.choose (301, 150_000) ]

        let! seed = Gen.choose (0, Int32.MaxValue - 1)
        let content = Array.zeroCreate<byte> size
        Random(seed).NextBytes content

        let! isWrong =
            Gen.listOfLength 2 (Gen.frequency [ 2, Gen.constant false; 1, Gen.constant true ])

        return dialect, content, isWrong
    }

/// The dialects whose checksums `WrongChecksums` changes.
let private reportsChecksums (dialect: string) =
    not (List.contains dialect [ "PlainMd5"; "MinIO"; "SeaweedFS" ])

let private law =
    Config.propertyTimes
        60
        "of random content in any dialect are in the receipt only if the store reported ours, and a wrong one never is"
        cases
        (fun (dialect, content, isWrong) ->
            (task {
                use! scene =
                    sceneWith (LoopbackS3Options(Dialect = Dialect.All[dialect])) "a" content

                scene.Server.Misbehave(
                    bucket,
                    scene.Key,
                    [| for wrong in isWrong -> if wrong then Fault.WrongChecksums else Fault.None |]
                )

                for wrong in isWrong do
                    use sink =
                        new PresignedS3ExportSink(
                            PresignedS3ExportSinkOptions(
                                PresignedUrl = scene.Url,
                                CellId = cellId,
                                Bucket = bucket,
                                MaxAttempts = 1
                            )
                        )

                    let metadata =
                        ExportArtifactMetadata(Headers = Dictionary(dict [ "x-ms-blob-type", "BlockBlob" ]))

                    try
                        let! receipt = sink.PushAsync("a", scene.Path, metadata)

                        Expect.isFalse
                            (wrong && reportsChecksums dialect)
                            $"{dialect}: a receipt in spite of a wrong checksum"

                        Expect.notEqual receipt.Integrity "unverified" $"{dialect}: confirmed"

                        for checksum in receipt.Checksums do
                            Expect.equal
                                checksum.Value
                                (base64 checksum.Key content)
                                $"{dialect}: {checksum.Key} of {content.Length} bytes"
                    with :? ExportException as failure ->
                        Expect.isTrue wrong $"{dialect}: {failure.Message}"
                        Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch dialect
            })
                .GetAwaiter()
                .GetResult())

[<Tests>]
let tests = testList "A checksum" (signedTests @ [ law ])
