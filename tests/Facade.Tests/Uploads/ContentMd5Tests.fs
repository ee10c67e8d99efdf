module Facade.Tests.ContentMd5Tests

open System
open System.IO
open System.Net
open System.Net.Http
open System.Security.Cryptography
open System.Threading
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

let private base64 (bytes: byte[]) =
    Convert.ToBase64String(MD5.HashData bytes)

let private asking (integrity: S3ExportIntegrity) (url: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        TargetName = "object-lock",
        RetryBackoff = TimeSpan.Zero,
        Integrity = integrity,
        ContentMd5 = true
    )

let private locked =
    LoopbackS3Options(Buckets = [| Bucket(bucket, RequireContentMd5 = true) |])

let private signing (scene: Scene) (md5: string) =
    scene.Server.Presign("PUT", bucket, scene.Key, headers = readOnlyDict [ "Content-MD5", md5 ])

/// A file of a tebibyte that takes no place: longer than any test reads.
let private endless (folder: Folder) =
    let path = folder.At "endless"
    use file = File.Create path
    file.SetLength(1L <<< 40)
    path

let private ofEndless (deadline: Nullable<TimeSpan>) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = "http://gateway.example/x",
        CellId = cellId,
        Bucket = bucket,
        ContentMd5 = true,
        MaxObjectBytes = Int64.MaxValue,
        Deadline = deadline
    )

let private unreached (options: PresignedS3ExportSinkOptions) =
    scriptedSink options TimeProvider.System 0. (fun _ _ -> failtest "nothing is sent")

/// A push whose file is rewritten, with as many bytes and its old time stamp, between the pass that takes the MD5 and
/// the one that sends.
let private rewritten (integrity: S3ExportIntegrity) (rewrite: string -> unit) =
    task {
        use folder = new Folder()
        let path = folder.Write("f", patterned 300_000)
        // One that .NET can put back exactly: it counts in 100 ns, the file system in 1.
        File.SetLastWriteTimeUtc(path, DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc))

        use sink =
            scriptedSink
                (asking integrity "http://gateway.example/x")
                TimeProvider.System
                0.
                (fun request _ ->
                    task {
                        rewrite path
                        let! _ = drain request
                        return new HttpResponseMessage(HttpStatusCode.OK)
                    })

        return! failureOf (fun () -> sink.PushAsync("a", path))
    }

[<Tests>]
let tests =
    testList "Content-MD5" [
        testCaseTask
            "is what a bucket with Object Lock wants: without it the failure says what to set"
            (fun () ->
                task {
                    use! scene = sceneWith locked "a" (patterned 100_000)

                    use sink =
                        new PresignedS3ExportSink(
                            PresignedS3ExportSinkOptions(
                                PresignedUrl = scene.Url,
                                CellId = cellId,
                                Bucket = bucket,
                                TargetName = "object-lock"
                            )
                        )

                    let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                    Expect.equal failure.Kind ExportFailureKind.Refused "kind"

                    Expect.stringContains
                        failure.Message
                        "CELLOS_EXPORT_S3_CONTENT_MD5__OBJECT_LOCK=1 (in code: ContentMd5)"
                        "what to set"

                    Expect.isNone scene.Stored "nothing stored"
                })

        for size in [ 0; 1; 65_536; 3_000_000 ] do
            testCaseTask $"of {size} bytes is sent as RFC 1864 says, and confirms them" (fun () ->
                task {
                    use! scene = sceneWith locked "a" (patterned size)
                    use sink = new PresignedS3ExportSink(asking S3ExportIntegrity.Verify scene.Url)
                    let! receipt = sink.PushAsync("a", scene.Path)
                    receipt |> isTrueOf scene
                    Expect.equal receipt.Integrity "content-md5" "the server compared it"
                    Expect.equal receipt.Md5 (md5 scene.Content) "MD5"
                    let put = List.exactlyOne scene.Puts
                    Expect.equal put.Headers["Content-MD5"] (base64 scene.Content) "Base64 of the octets"
                })

        testCaseTask "goes with every attempt" (fun () ->
            task {
                use! scene = sceneWith locked "a" (patterned 1000)
                scene.Server.Misbehave(bucket, scene.Key, Fault.Status(503), Fault.Status(400, "BadDigest"))
                use sink = new PresignedS3ExportSink(asking S3ExportIntegrity.Verify scene.Url)
                let! receipt = sink.PushAsync("a", scene.Path)
                receipt |> isTrueOf scene

                Expect.sequenceEqual
                    (scene.Puts |> List.map _.Headers["Content-MD5"])
                    (List.replicate 3 (base64 scene.Content))
                    "three times"
            })

        testCaseTask "confirms what a KMS ETag does not, where a confirmation is required" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                scene.Server.Misbehave(bucket, scene.Key, Fault.KmsETag)
                use sink = new PresignedS3ExportSink(asking S3ExportIntegrity.Require scene.Url)
                let! receipt = sink.PushAsync("a", scene.Path)
                Expect.equal receipt.Integrity "content-md5" "accepted"
            })

        testCaseTask "is sent where nothing is compared, too" (fun () ->
            task {
                use! scene = sceneWith locked "a" (patterned 1000)
                use sink = new PresignedS3ExportSink(asking S3ExportIntegrity.Off scene.Url)
                let! receipt = sink.PushAsync("a", scene.Path)
                receipt |> isTrueOf scene
                Expect.equal (receipt.Integrity, receipt.Md5) ("content-md5", md5 scene.Content) "told"
            })

        testCaseTask "that the URL signs is sent without being asked for" (fun () ->
            task {
                use! scene = scene "a" (patterned 100_000)
                use sink = sinkFor (signing scene (base64 scene.Content))
                let! receipt = sink.PushAsync("a", scene.Path)
                receipt |> isTrueOf scene
                Expect.equal receipt.Integrity "content-md5" "signed, sent and compared"
            })

        testCaseTask "that the URL signs with another value is refused, and told" (fun () ->
            task {
                use! scene = scene "a" (patterned 100_000)
                use sink = sinkFor (signing scene (base64 [| 1uy |]))
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                Expect.equal failure.ErrorCode "SignatureDoesNotMatch" "code"
                Expect.stringContains failure.Message "The signature covers a digest" "why"
                Expect.stringContains failure.Message (base64 scene.Content) "the file's own"
                Expect.equal failure.Attempts 1 "not tried again"
                Expect.isNone scene.Stored "nothing stored"
            })

        for integrity in [ S3ExportIntegrity.Verify; S3ExportIntegrity.Off ] do
            testCaseTask
                $"of a file that is rewritten before it is sent gives no receipt, with integrity {integrity}"
                (fun () ->
                    task {
                        let! failure =
                            rewritten integrity (fun path ->
                                let stamp = File.GetLastWriteTimeUtc path

                                do
                                    use file = new FileStream(path, FileMode.Open, FileAccess.Write)
                                    file.Write(Array.zeroCreate<byte> 1000)

                                File.SetLastWriteTimeUtc(path, stamp))

                        Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"
                        Expect.equal failure.Attempts 1 "not tried again"
                        Expect.isTrue failure.MayBeStored "a server that does not compare has stored it"
                    })

        testCaseTask "of a file that grows before it is sent gives no receipt" (fun () ->
            task {
                let! failure =
                    rewritten S3ExportIntegrity.Verify (fun path -> File.AppendAllText(path, "more"))

                Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"
                Expect.isFalse failure.MayBeStored "it was never sent whole"
            })

        testCaseTask "of a file that shrinks while it is taken" (fun () ->
            task {
                use folder = new Folder()
                let path = endless folder
                use sink = unreached (ofEndless (Nullable()))
                // The file is open when this returns.
                let push = sink.PushAsync("a", path)

                do
                    use file = File.OpenWrite path
                    file.SetLength 1L

                let! failure = failureOf (fun () -> push)
                Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"
                Expect.equal failure.Attempts 0 "nothing was sent"
            })

        testCaseTask "is not taken past the deadline" (fun () ->
            task {
                use folder = new Folder()
                let path = endless folder
                use sink = unreached (ofEndless (Nullable(TimeSpan.FromMilliseconds 50.)))
                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.DeadlineExceeded "kind"
                Expect.equal failure.Attempts 0 "nothing was sent"
                Expect.stringContains failure.Message "deadline of 50 ms" "which"
            })

        testCaseTask "ends as cancelled when the caller cancels while it is taken" (fun () ->
            task {
                use folder = new Folder()
                let path = endless folder
                use sink = unreached (ofEndless (Nullable(TimeSpan.FromHours 1.)))
                use source = new CancellationTokenSource()
                let push = sink.PushAsync("a", path, null, source.Token)
                source.Cancel()

                let! error =
                    task {
                        try
                            let! _ = push
                            return None
                        with :? OperationCanceledException as error ->
                            return Some error
                    }

                let error = Expect.wantSome error "cancelled"
                Expect.equal error.CancellationToken source.Token "by the caller's token"
            })

        testCaseTask "that cannot be taken leaves an exact URL to the next artifact" (fun () ->
            task {
                use! scene = scene "right" (patterned 10)

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = scene.Url,
                        CellId = cellId,
                        Bucket = bucket,
                        ContentMd5 = true,
                        MaxObjectBytes = Int64.MaxValue
                    )

                use sink = new PresignedS3ExportSink(options)
                let path = endless scene.Folder
                let wrong = sink.PushAsync("wrong", path)

                do
                    use file = File.OpenWrite path
                    file.SetLength 1L

                let! _ = failureOf (fun () -> wrong)
                let! receipt = sink.PushAsync("right", scene.Path)
                receipt |> isTrueOf scene
            })

        testSequenced (
            testCaseTask "of 64 MiB needs no more memory than that of a small file" (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.At "large"
                    let size = 64L * 1024L * 1024L

                    do
                        use file = File.Create path
                        file.SetLength size

                    let mutable header: string = ""

                    use sink =
                        scriptedSink
                            (asking S3ExportIntegrity.Verify "http://gateway.example/x")
                            TimeProvider.System
                            0.
                            (fun request _ ->
                                task {
                                    let content = nonNull request.Content
                                    header <- Convert.ToBase64String(nonNull content.Headers.ContentMD5)
                                    do! content.CopyToAsync Stream.Null
                                    return new HttpResponseMessage(HttpStatusCode.OK)
                                })

                    let before = GC.GetTotalAllocatedBytes true
                    let! receipt = sink.PushAsync("x", path)
                    let allocated = GC.GetTotalAllocatedBytes true - before
                    Expect.equal receipt.BytesWritten size "all of it"
                    Expect.equal header (base64 (Array.zeroCreate<byte>(int size))) "its MD5"
                    Expect.isLessThan allocated (4L * 1024L * 1024L) "allocated in all, for 64 MiB"
                })
        )
    ]
