module Facade.Tests.RetryTests

open System
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

/// How long the sink waited in all, and how it ended, when the server answers with these replies in turn.
let private play
    (options: PresignedS3ExportSinkOptions)
    roll
    (replies: (HttpRequestMessage -> HttpResponseMessage) list)
    =
    task {
        let time = FakeTime(DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero))
        use folder = new Folder()
        let path = folder.Write("f", patterned 100)
        let mutable left = replies

        use sink =
            scriptedSink options time roll (fun request _ ->
                task {
                    let! _ = drain request

                    match left with
                    | [] -> return failtest "one request too many"
                    | reply :: rest ->
                        left <- rest
                        return reply request
                })

        let push = sink.PushAsync("a", path)
        do! runOn time push

        let! outcome =
            task {
                try
                    let! receipt = push
                    return Ok receipt
                with :? ExportException as failure ->
                    return Error failure
            }

        return time.Elapsed, outcome, List.length left
    }

let private status (code: int) _ =
    new HttpResponseMessage(enum<HttpStatusCode> code)

let private after
    (header: string)
    (value: string)
    (reply: HttpRequestMessage -> HttpResponseMessage)
    request
    =
    let response = reply request
    response.Headers.TryAddWithoutValidation(header, value) |> ignore
    response

let private fixedRetries attempts backoff =
    PresignedS3ExportSinkOptions(
        PresignedUrl = "http://gateway.example/x",
        CellId = cellId,
        Bucket = bucket,
        MaxAttempts = attempts,
        RetryBackoff = TimeSpan.FromMilliseconds(float<int> backoff)
    )

[<Tests>]
let tests =
    testList "a push" [
        testCaseTask "gives up after as many attempts as it may make, with the last reply" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)

                scene.Server.MisbehaveAlways(
                    bucket,
                    scene.Key,
                    Fault.Status(503, "SlowDown", "Please reduce your request rate.")
                )

                use sink = sinkFor scene.Url
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.Unavailable "kind"
                Expect.equal failure.Attempts 3 "three attempts"
                Expect.equal failure.StatusCode (Nullable(enum 503)) "status"
                Expect.equal failure.ErrorCode "SlowDown" "code"
                Expect.isNotNull failure.RequestId "the server's request id"
                Expect.hasLength scene.Puts 3 "three PUTs"
            })

        testCaseTask "that the server damages twice is no success" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Corrupt)
                use sink = sinkFor scene.Url
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.IntegrityMismatch "kind"
                Expect.equal failure.Attempts 2 "once more, and no more"
                Expect.isTrue failure.MayBeStored "the damaged object is there"
            })

        testCaseTask "waits the fixed backoff between attempts" (fun () ->
            task {
                let! waited, outcome, left =
                    play (fixedRetries 4 700) 0.5 [ status 503; status 500; status 502; status 200 ]

                Expect.equal (Expect.wantOk outcome "a receipt").Attempts 4 "four attempts"
                Expect.equal waited (TimeSpan.FromMilliseconds 2100.) "three waits of 700 ms"
                Expect.equal left 0 "all replies used"
            })

        testCaseTask "waits as long as Retry-After asks" (fun () ->
            task {
                let! waited, _, _ =
                    play (fixedRetries 2 700) 0.5 [ status 503 |> after "Retry-After" "7"; status 200 ]

                Expect.equal waited (TimeSpan.FromSeconds 7.) "seconds"

                let! waited, _, _ =
                    play (fixedRetries 2 700) 0.5 [
                        status 503 |> after "Retry-After" "Fri, 01 May 2026 12:00:05 GMT"
                        status 200
                    ]

                Expect.equal waited (TimeSpan.FromSeconds 5.) "a date"

                let! waited, _, _ =
                    play (fixedRetries 2 700) 0.5 [
                        status 503 |> after "x-amz-retry-after" "900"
                        status 200
                    ]

                Expect.equal waited (TimeSpan.FromMilliseconds 900.) "milliseconds"

                let! waited, _, _ =
                    play (fixedRetries 2 700) 0.5 [ status 503 |> after "Retry-After" "3600"; status 200 ]

                Expect.equal waited (TimeSpan.FromSeconds 20.) "up to the cap"
            })

        testCaseTask "doubles its waits with jitter, in exponential mode" (fun () ->
            task {
                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "http://gateway.example/x",
                        CellId = cellId,
                        Bucket = bucket,
                        MaxAttempts = 5,
                        RetryBackoff = TimeSpan.FromSeconds 1.,
                        RetryMode = S3ExportRetryMode.Exponential,
                        MaxRetryBackoff = TimeSpan.FromSeconds 3.
                    )

                let! waited, _, _ =
                    play options 0.5 [ status 503; status 503; status 503; status 503; status 200 ]

                Expect.equal waited (TimeSpan.FromSeconds 4.5) "half of 1, 2, 3 and 3 seconds"
            })

        testCaseTask "ends at the deadline instead of waiting past it" (fun () ->
            task {
                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = "http://gateway.example/x",
                        CellId = cellId,
                        Bucket = bucket,
                        MaxAttempts = 9,
                        RetryBackoff = TimeSpan.FromSeconds 2.,
                        Deadline = TimeSpan.FromSeconds 5.
                    )

                let! waited, outcome, left = play options 0.5 (List.replicate 9 (status 503))
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.DeadlineExceeded "kind"
                Expect.equal waited (TimeSpan.FromSeconds 4.) "two waits"
                Expect.equal left 6 "three requests"
            })

        testCaseTask "is not moved by a wall clock that is set in the middle" (fun () ->
            task {
                let time = FakeTime(DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero))
                use folder = new Folder()
                let path = folder.Write("f", patterned 100)
                let mutable requests = 0

                use sink =
                    scriptedSink (fixedRetries 3 1000) time 0. (fun request _ ->
                        task {
                            let! _ = drain request
                            requests <- requests + 1
                            time.SetWall(DateTimeOffset(2020 + 10 * requests, 1, 1, 0, 0, 0, TimeSpan.Zero))
                            return status (if requests < 3 then 503 else 200) request
                        })

                let push = sink.PushAsync("a", path)
                do! runOn time push
                let! receipt = push
                Expect.equal time.Elapsed (TimeSpan.FromSeconds 2.) "two waits of a second"

                Expect.equal
                    (receipt.CompletedAt - receipt.StartedAt)
                    (TimeSpan.FromSeconds 2.)
                    "and so says the receipt"
            })

        testCaseTask "ends as cancelled, not as failed, when the caller cancels" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Silence(afterBody = true))
                use sink = sinkFor scene.Url
                use source = new CancellationTokenSource()
                let push = sink.PushAsync("a", scene.Path, null, source.Token)

                do!
                    waitFor "the body" (fun () ->
                        scene.Puts |> List.exists (fun put -> put.BodyBytes >= 1000L))

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
                Expect.isNull error.InnerException "with nothing of the request in it"
                Expect.hasLength scene.Puts 1 "and no further attempt"
            })

        testCaseTask "ends as cancelled in the middle of a wait" (fun () ->
            task {
                use! scene = scene "a" (patterned 1000)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Status(503))

                use sink =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            PresignedUrl = scene.Url,
                            CellId = cellId,
                            Bucket = bucket,
                            RetryBackoff = TimeSpan.FromHours 1.
                        )
                    )

                use source = new CancellationTokenSource()
                let push = sink.PushAsync("a", scene.Path, null, source.Token)

                do! waitFor "an answer" (fun () -> scene.Puts |> List.exists _.Status.HasValue)

                source.Cancel()

                let! cancelled =
                    task {
                        try
                            let! _ = push
                            return false
                        with :? OperationCanceledException ->
                            return true
                    }

                Expect.isTrue cancelled "cancelled"
            })

        testCaseTask "that is stored when the caller cancels has its receipt" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 100)
                use source = new CancellationTokenSource()

                use sink =
                    scriptedSink
                        (optionsFor "http://gateway.example/x")
                        TimeProvider.System
                        0.
                        (fun request _ ->
                            task {
                                let! _ = drain request
                                source.Cancel()
                                return status 200 request
                            })

                let! receipt = sink.PushAsync("a", path, null, source.Token)
                Expect.equal receipt.BytesWritten 100L "the answer was there already"
            })

        testCaseTask "ends as cancelled while an error is being read" (fun () ->
            task {
                use source = new CancellationTokenSource()
                use folder = new Folder()
                let path = folder.Write("f", patterned 100)

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! _ = connection.ReadHead()
                            do! connection.Read 100L

                            do!
                                connection.Send
                                    "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n<Error>"

                            source.CancelAfter 200
                            do! connection.Read Int64.MaxValue
                        })

                use sink = sinkFor (server.Url "/x")

                let! cancelled =
                    task {
                        try
                            let! _ = sink.PushAsync("a", path, null, source.Token)
                            return false
                        with :? OperationCanceledException ->
                            return true
                    }

                Expect.isTrue cancelled "cancelled"
            })
    ]
