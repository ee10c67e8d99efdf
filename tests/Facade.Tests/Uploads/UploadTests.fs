module Facade.Tests.UploadTests

open System
open System.Diagnostics
open System.IO
open System.Net.Http
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

let private sizes = [ 0; 1; 4095; 65535; 65536; 65537; 200_000; 1_048_575; 1_048_576; 3_000_000 ]

let private names = [
    "a.txt"
    "logs/stdout.txt"
    "with space.json"
    "ünïcödé/日本語 🎉.txt"
    "100%/a+b&c=d?e#f"
    "%7E%2F"
    "(paren)'quote'~tilde!*"
    "{artifact_name}"
]

[<Tests>]
let tests =
    testList "an upload" [
        testList "of any size is stored and receipted" [
            for size in sizes ->
                testCaseTask $"{size} bytes" (fun () ->
                    task {
                        use! scene = scene "report.bin" (patterned size)
                        use sink = sinkFor scene.Url
                        let! receipt = sink.PushAsync(scene.Artifact, scene.Path)
                        receipt |> isTrueOf scene
                        Expect.equal receipt.Integrity "etag-md5" "the server's ETag confirms it"
                        Expect.equal receipt.Md5 (md5 scene.Content) "MD5"
                        Expect.equal receipt.Attempts 1 "at the first attempt"

                        let put = List.exactlyOne scene.Puts
                        Expect.equal put.Headers["Content-Length"] (string size) "Content-Length"
                        Expect.isFalse (put.Headers.ContainsKey "Transfer-Encoding") "never chunked"

                        Expect.equal
                            put.ExpectContinue
                            (size >= 1_048_576)
                            "Expect: 100-continue from 1 MiB up"
                    })
        ]

        testList "of any name goes where it was signed for" [
            for name in names ->
                testCaseTask name (fun () ->
                    task {
                        use! scene = scene name (patterned 100)
                        use sink = sinkFor scene.Url
                        let! receipt = sink.PushAsync(name, scene.Path)
                        receipt |> isTrueOf scene
                        Expect.equal (sink.DestinationHint name) receipt.Destination "the hint was right"
                    })
        ]

        testCaseTask "sends no header that was not asked for" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                use source = new ActivitySource("test")

                use listener =
                    new ActivityListener(
                        ShouldListenTo = (fun _ -> true),
                        Sample = (fun _ -> ActivitySamplingResult.AllDataAndRecorded)
                    )

                ActivitySource.AddActivityListener listener
                use _activity = source.StartActivity "export"
                use sink = sinkFor scene.Url
                let! _ = sink.PushAsync("a", scene.Path)
                let put = List.exactlyOne scene.Puts

                Expect.equal
                    (put.Headers.Keys |> Seq.map _.ToLowerInvariant() |> Seq.sort |> List.ofSeq)
                    [ "content-length"; "host" ]
                    "host and length, no traceparent, no user agent"
            })

        testCaseTask "sends the content type that was asked for" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                use sink = sinkFor scene.Url

                let! _ =
                    sink.PushAsync(
                        "a",
                        scene.Path,
                        ExportArtifactMetadata(ContentType = "text/plain; charset=utf-8")
                    )

                Expect.equal
                    (List.exactlyOne scene.Puts).Headers["Content-Type"]
                    "text/plain; charset=utf-8"
                    "as it was given"
            })

        testCaseTask
            "with a signed content type that nobody supplies fails before sending, naming it"
            (fun () ->
                task {
                    use! scene = scene "a" (patterned 10)

                    let url =
                        scene.Server.Presign(
                            "PUT",
                            bucket,
                            scene.Key,
                            headers = readOnlyDict [ "Content-Type", "text/plain" ]
                        )

                    use sink = sinkFor url
                    let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                    Expect.equal failure.Kind ExportFailureKind.UrlUnusable "kind"
                    Expect.stringContains failure.Message "content-type" "the header is named"
                    Expect.isEmpty scene.Puts "nothing was sent"

                    use sink = sinkFor url

                    let! receipt =
                        sink.PushAsync("a", scene.Path, ExportArtifactMetadata(ContentType = "text/plain"))

                    receipt |> isTrueOf scene
                })

        testCaseTask "by a template renders one URL for each artifact" (fun () ->
            task {
                let targets = ResizeArray<string>()
                use folder = new Folder()
                let path = folder.Write("f", [| 1uy |])

                use sink =
                    scriptedSink
                        (optionsFor
                            "http://gateway.example/up/{cell_id}/{artifact_name}?name={artifact_name}")
                        TimeProvider.System
                        0.
                        (fun request _ ->
                            task {
                                targets.Add((nonNull request.RequestUri).OriginalString)
                                let! _ = drain request
                                return new HttpResponseMessage(Net.HttpStatusCode.OK)
                            })

                let! first = sink.PushAsync("logs/a b.txt", path)
                let! _ = sink.PushAsync("%2e", path)

                Expect.sequenceEqual
                    targets
                    [
                        "http://gateway.example/up/cell-7/logs/a%20b.txt?name=logs%2Fa%20b.txt"
                        "http://gateway.example/up/cell-7/%252e?name=%252e"
                    ]
                    "the rendered URLs"

                Expect.equal
                    first.ObjectUrl
                    "http://gateway.example/up/cell-7/logs/a%20b.txt"
                    "without the query"

                Expect.equal first.Integrity "unverified" "the gateway confirmed nothing"
            })

        testCaseTask "by one sink from many threads at once" (fun () ->
            task {
                use folder = new Folder()

                let artifacts = [| for i in 1..64 -> $"part/{i}", patterned (i * 1000) |]
                let bodies = Collections.Concurrent.ConcurrentDictionary<string, byte[]>()

                use sink =
                    scriptedSink
                        (optionsFor "http://gateway.example/{artifact_name}")
                        TimeProvider.System
                        0.
                        (fun request _ ->
                            task {
                                let! body = drain request
                                bodies[(nonNull request.RequestUri).AbsolutePath.TrimStart '/'] <- body
                                return new HttpResponseMessage(Net.HttpStatusCode.OK)
                            })

                let! receipts =
                    artifacts
                    |> Array.mapi (fun i (name, content) ->
                        let path = folder.Write($"f{i}", content)
                        Task.Run<ExportReceipt>(fun () -> sink.PushAsync(name, path)))
                    |> Task.WhenAll

                for (name, content), receipt in Array.zip artifacts receipts do
                    Expect.equal receipt.Sha256 (sha256 content) $"{name}: digest"
                    Expect.equal bodies[name] content $"{name}: body"
            })

        testCaseTask "of one artifact by 32 threads at once is each time stored and receipted" (fun () ->
            task {
                use! scene = scene "same" (patterned 100_000)
                use sink = sinkFor scene.Url

                let! receipts =
                    [|
                        for _ in 1..32 ->
                            Task.Run<ExportReceipt>(fun () -> sink.PushAsync("same", scene.Path))
                    |]
                    |> Task.WhenAll

                for receipt in receipts do
                    receipt |> isTrueOf scene

                Expect.equal (Expect.wantSome scene.Stored "an object").PutCount 32 "each was stored"
            })

        testCaseTask
            "through an exact URL is refused for a second name, and not for the same again"
            (fun () ->
                task {
                    use! scene = scene "first" (patterned 10)
                    use sink = rewritingSinkFor scene.Url
                    let! _ = sink.PushAsync("first", scene.Path)
                    let! failure = failureOf (fun () -> sink.PushAsync("second", scene.Path))
                    Expect.equal failure.Kind ExportFailureKind.UrlUnusable "kind"
                    Expect.stringContains failure.Message "{artifact_name}" "it says what to do"
                    Expect.equal failure.Attempts 0 "nothing was sent"
                    let! again = sink.PushAsync("first", scene.Path)
                    again |> isTrueOf scene
                    Expect.hasLength scene.Puts 2 "two PUTs in all"
                })

        testCaseTask "through an exact URL at once under 16 names lets exactly one through" (fun () ->
            task {
                use! scene = scene "n" (patterned 10)
                use sink = rewritingSinkFor scene.Url

                let! outcomes =
                    [|
                        for i in 1..16 ->
                            Task.Run<bool>(fun () ->
                                task {
                                    try
                                        let! _ = sink.PushAsync($"n{i}", scene.Path)
                                        return true
                                    with :? ExportException as failure ->
                                        Expect.equal failure.Kind ExportFailureKind.UrlUnusable "kind"
                                        return false
                                })
                    |]
                    |> Task.WhenAll

                Expect.equal (outcomes |> Seq.filter id |> Seq.length) 1 "one winner"
                Expect.hasLength scene.Puts 1 "one PUT"
            })

        testCaseTask "of a missing file leaves an exact URL to the next artifact" (fun () ->
            task {
                use! scene = scene "right" (patterned 10)
                use sink = sinkFor scene.Url
                let! _ = failureOf (fun () -> sink.PushAsync("wrong", scene.Folder.At "missing"))
                let! receipt = sink.PushAsync("right", scene.Path)
                receipt |> isTrueOf scene
            })

        testCaseTask "in write-once mode does not overwrite" (fun () ->
            task {
                use! scene = scene "once" (patterned 10)

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = scene.Url,
                        CellId = cellId,
                        Bucket = bucket,
                        WriteOnce = true
                    )

                use sink = new PresignedS3ExportSink(options)
                let! receipt = sink.PushAsync("once", scene.Path)
                receipt |> isTrueOf scene
                let! failure = failureOf (fun () -> sink.PushAsync("once", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.AlreadyExists "kind"
                Expect.isFalse failure.MayBeStored "no doubt about it"
                Expect.equal (Expect.wantSome scene.Stored "an object").PutCount 1 "stored once"
            })

        testSequenced (
            testCaseTask "needs no more memory for a large file than for a small one" (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.At "large"
                    let size = 512L * 1024L * 1024L

                    do
                        use file = File.Create path
                        file.SetLength size

                    use sink =
                        scriptedSink
                            (optionsFor "http://gateway.example/x")
                            TimeProvider.System
                            0.
                            (fun request _ ->
                                task {
                                    do! (nonNull request.Content).CopyToAsync Stream.Null
                                    return new HttpResponseMessage(Net.HttpStatusCode.OK)
                                })

                    let before = GC.GetTotalAllocatedBytes true
                    let! receipt = sink.PushAsync("x", path)
                    let allocated = GC.GetTotalAllocatedBytes true - before
                    Expect.equal receipt.BytesWritten size "all of it"
                    Expect.isLessThan allocated (8L * 1024L * 1024L) "allocated in all, for 512 MiB"
                })
        )
    ]
