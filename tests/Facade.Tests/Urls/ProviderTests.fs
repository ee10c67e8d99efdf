/// URLs from a presigning broker of the host's.
module Facade.Tests.ProviderTests

open System
open System.Collections.Concurrent
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.Support

let private secret = "0123456789abcdef0123"

type private Ask = PresignedUrlRequest -> CancellationToken -> Task<string>

let private optionsWith (deadline: TimeSpan) (ask: Ask) =
    PresignedS3ExportSinkOptions(
        PresignedUrlProvider = Func<_, _, _>(fun request token -> ValueTask<string>(ask request token)),
        CellId = cellId,
        Bucket = bucket,
        KeyPrefix = "audit",
        RetryBackoff = TimeSpan.Zero,
        Deadline = (if deadline > TimeSpan.Zero then Nullable deadline else Nullable())
    )

let private options ask = optionsWith TimeSpan.Zero ask

/// Of a gateway that rewrites paths.
let private rewriting (ask: Ask) =
    PresignedS3ExportSinkOptions(
        PresignedUrlProvider = Func<_, _, _>(fun request token -> ValueTask<string>(ask request token)),
        CellId = cellId,
        Bucket = bucket,
        KeyPrefix = "audit",
        RetryBackoff = TimeSpan.Zero,
        KeyCheck = false
    )

[<Tests>]
let tests =
    testList "a source of URLs" [
        testCaseTask "is asked for each artifact, with what is to be presigned" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                let asked = ConcurrentQueue<PresignedUrlRequest>()

                use sink =
                    new PresignedS3ExportSink(
                        options (fun request _ ->
                            asked.Enqueue request
                            Task.FromResult(scene.Server.Presign("PUT", request.Bucket, request.Key)))
                    )

                let names = [ for i in 1..20 -> $"logs/ü {i}.txt" ]
                let artifacts = [ for name in names -> ExportArtifact(name, scene.Path) ]
                let results = sink.PushManyAsync(artifacts).GetAsyncEnumerator()
                let mutable going = true
                let mutable exported = 0

                while going do
                    let! more = results.MoveNextAsync()
                    going <- more

                    if more then
                        Expect.isTrue results.Current.IsExported (results.Current.ToJson())
                        exported <- exported + 1

                do! results.DisposeAsync()
                Expect.equal exported 20 "all"

                Expect.sequenceEqual
                    (asked
                     |> Seq.map (fun r -> r.ArtifactName, r.Bucket, r.Key, r.Attempt)
                     |> Seq.sort)
                    (names
                     |> Seq.map (fun name -> name, bucket, $"audit/{cellId}/{name}", 1)
                     |> Seq.sort)
                    "once each"
            })

        testCaseTask "is asked again after an attempt that failed on expiry" (fun () ->
            task {
                use! scene = scene "x" (patterned 1000)
                let key = $"audit/{cellId}/a"

                scene.Server.Misbehave(
                    bucket,
                    key,
                    Fault.Status(403, "ExpiredToken"),
                    Fault.Status(503, "SlowDown")
                )

                let asked = ConcurrentQueue<int>()

                use sink =
                    new PresignedS3ExportSink(
                        options (fun request _ ->
                            asked.Enqueue request.Attempt
                            // Another one each time: what is signed in one second is the same.
                            let expires = TimeSpan.FromMinutes(float (10 * request.Attempt))

                            Task.FromResult(
                                scene.Server.Presign("PUT", bucket, request.Key, expires = expires)
                            ))
                    )

                let! receipt = sink.PushAsync("a", scene.Path)
                Expect.equal receipt.Attempts 3 "expired, busy, stored"
                Expect.sequenceEqual asked [ 1; 2 ] "the second URL serves for the third attempt"
            })

        testCaseTask
            "that fails or gives no URL ends the push without a request, and tells no secret"
            (fun () ->
                task {
                    use! scene = scene "x" (patterned 10)

                    let cases: (string * Ask * string) list = [
                        "throws",
                        (fun _ _ -> raise (InvalidOperationException $"no https://h/x?token={secret}")),
                        "InvalidOperationException"
                        "fails later",
                        (fun _ _ ->
                            task {
                                do! Task.Yield()
                                return raise (TimeoutException $"no {secret}")
                            }),
                        "failed (TimeoutException). Throw a PresignedUrlException to give a reason"
                        "gives a reason",
                        (fun _ _ -> raise (PresignedUrlException "The broker is away")),
                        "the broker is away"
                        "cancels itself",
                        (fun _ _ -> raise (OperationCanceledException $"by {secret}")),
                        "OperationCanceledException"
                        "null", (fun _ _ -> Task.FromResult(Unchecked.defaultof<string>)), "is empty"
                        "no URL",
                        (fun _ _ -> Task.FromResult $"ftp://h/x?X-Amz-Signature={secret}"),
                        "http:// or https://"
                        "a URL that was cut",
                        (fun _ _ ->
                            Task.FromResult
                                $"https://b.s3.amazonaws.com/audit/c/a?X-Amz-Credential={secret}"),
                        "Give the whole URL, to the end of its signature"
                        "a URL with a full stop behind it",
                        (fun request _ ->
                            Task.FromResult(scene.Server.Presign("PUT", request.Bucket, request.Key) + ".")),
                        "ends with a full stop"
                        "a URL of more than seven days",
                        (fun _ _ ->
                            Task.FromResult
                                $"https://b.s3.amazonaws.com/audit/c/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%%2F20260301%%2Fus-east-1%%2Fs3%%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=691200&X-Amz-SignedHeaders=host&X-Amz-Signature={secret}{secret}{secret}0123"),
                        "valid for seven days at most"
                        "a link of a mail filter",
                        (fun _ _ ->
                            Task.FromResult $"https://urldefense.com/v3/__https://h/x?token={secret}__;!!a"),
                        "send the URL in a file"
                        "a template", (fun _ _ -> Task.FromResult "https://h/{artifact_name}"), "brace"
                    ]

                    for name, ask, what in cases do
                        use sink = new PresignedS3ExportSink(options ask)
                        let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                        Expect.equal failure.Kind ExportFailureKind.UrlUnusable name
                        Expect.stringContains failure.Message what name
                        Expect.isFalse (failure.ToString().Contains secret) name
                        Expect.equal failure.Attempts 0 name

                    Expect.isEmpty scene.Server.Requests "nothing was sent"
                })

        testCaseTask "may not give two artifacts one object" (fun () ->
            task {
                use! scene = scene "x" (patterned 10)

                use sink =
                    new PresignedS3ExportSink(
                        rewriting (fun _ _ ->
                            // Signed anew each time, for the same key.
                            Task.FromResult(
                                scene.Server.Presign(
                                    "PUT",
                                    bucket,
                                    "same",
                                    signedAt =
                                        Nullable(
                                            DateTimeOffset.UtcNow.AddSeconds(
                                                -Random.Shared.NextDouble() * 60.
                                            )
                                        )
                                )
                            ))
                    )

                let! _ = sink.PushAsync("a", scene.Path)
                let! _ = sink.PushAsync("a", scene.Path)
                let! failure = failureOf (fun () -> sink.PushAsync("b", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable "it would overwrite"
                Expect.stringContains failure.Message "'a'" "whom"
                Expect.hasLength scene.Server.Requests 2 "those of the first"
            })

        testCaseTask
            "that is too slow is bounded by the deadline, whether it heeds its token or not"
            (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.Write("f", patterned 10)

                    for heeds in [ true; false ] do
                        let time = FakeTime(DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero))
                        let begun = TaskCompletionSource()
                        let never = TaskCompletionSource<string>()

                        let ask: Ask =
                            fun _ token ->
                                begun.TrySetResult() |> ignore
                                if heeds then never.Task.WaitAsync token else never.Task

                        let options = optionsWith (TimeSpan.FromSeconds 5.) ask

                        use sink = scriptedSink options time 0.5 (fun _ _ -> failtest "a request")

                        let push = failureOf (fun () -> sink.PushAsync("a", path))
                        do! begun.Task

                        do!
                            waitFor "the limit" (fun () ->
                                time.Advance(TimeSpan.FromSeconds 5.) |> ignore
                                push.IsCompleted)

                        let! failure = push
                        Expect.equal failure.Kind ExportFailureKind.DeadlineExceeded $"heeds: {heeds}"
                })

        testCaseTask "that is too slow is left by a caller who cancels" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                use cancellation = new CancellationTokenSource()
                let begun = TaskCompletionSource()

                use sink =
                    new PresignedS3ExportSink(
                        options (fun _ _ ->
                            begun.TrySetResult() |> ignore
                            TaskCompletionSource<string>().Task)
                    )

                let push = sink.PushAsync("a", path, null, cancellation.Token)
                do! begun.Task
                cancellation.Cancel()
                let mutable cancelled = false

                try
                    let! _ = push.WaitAsync(TimeSpan.FromSeconds 20.)
                    ()
                with :? OperationCanceledException ->
                    cancelled <- true

                Expect.isTrue cancelled "cancelled"
            })

        for fails in [ "at once"; "later" ] do
            testCaseTask $"that fails {fails} because it was cancelled is no failure of its own" (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.Write("f", patterned 10)
                    use cancellation = new CancellationTokenSource()

                    let ask: Ask =
                        fun _ _ ->
                            cancellation.Cancel()
                            let error = InvalidOperationException $"no https://h/x?token={secret}"

                            if fails = "at once" then raise error else Task.FromException<string> error

                    use sink = new PresignedS3ExportSink(options ask)

                    let! error =
                        task {
                            try
                                let! _ = sink.PushAsync("a", path, null, cancellation.Token)
                                return failtest "a receipt"
                            with error ->
                                return error
                        }

                    match error with
                    | :? OperationCanceledException as cancelled ->
                        Expect.equal cancelled.CancellationToken cancellation.Token "the caller's token"
                    | _ -> failtest $"not a cancellation: {error.GetType()}"

                    Expect.isFalse (error.ToString().Contains secret) "tells no secret"
                })

        testCaseTask "that fails when its time is over is bounded by the deadline" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                let time = FakeTime(DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero))

                let ask: Ask =
                    fun _ token ->
                        while not token.IsCancellationRequested do
                            time.Advance(TimeSpan.FromSeconds 1.) |> ignore

                        raise (InvalidOperationException $"no https://h/x?token={secret}")

                use sink =
                    scriptedSink (optionsWith (TimeSpan.FromSeconds 5.) ask) time 0.5 (fun _ _ ->
                        failtest "a request")

                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.DeadlineExceeded failure.Message
                Expect.isFalse (failure.ToString().Contains secret) "tells no secret"
            })

        testCase "stands in no other's place" (fun () ->
            let both =
                PresignedS3ExportSinkOptions(
                    PresignedUrl = "https://h/x",
                    PresignedUrlProvider = Func<_, _, _>(fun _ _ -> ValueTask<string> ""),
                    CellId = cellId,
                    Bucket = bucket
                )

            let message =
                try
                    use _ = new PresignedS3ExportSink(both)
                    ""
                with :? ArgumentException as error ->
                    error.Message

            Expect.stringContains message "several places" "both")
    ]
