module Facade.Tests.TransportTests

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
open Microsoft.Extensions.Logging

let private attempts count (expectFrom: int64) (url: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        MaxAttempts = count,
        RetryBackoff = TimeSpan.Zero,
        ExpectContinueMinBytes = Nullable expectFrom
    )

/// How a push ends through a server that treats each connection as told, and how many heads it saw.
let private against
    (serve: Connection -> Task)
    (options: string -> PresignedS3ExportSinkOptions)
    (content: byte[])
    =
    task {
        let heads = ref 0

        use server =
            new RawServer(fun _ connection ->
                task {
                    let! head = connection.ReadHead()

                    if head <> "" then
                        Interlocked.Increment heads |> ignore
                        do! serve connection
                })

        use folder = new Folder()
        let path = folder.Write("f", content)
        use sink = new PresignedS3ExportSink(options (server.Url "/bucket/x"))

        let! outcome =
            task {
                try
                    let! receipt = sink.PushAsync("a", path)
                    return Ok receipt
                with :? ExportException as failure ->
                    return Error failure
            }

        return outcome, heads.Value
    }

let private ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

let private early: (string * (Connection -> Task)) list = [
    "and never reads the body",
    fun connection ->
        task {
            do! connection.Send ok
            do! Task.Delay 5000
        }
    "and closes",
    fun connection ->
        task {
            do! connection.Send(ok.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
            connection.Close()
        }
    "and reads the body afterwards",
    fun connection ->
        task {
            do! connection.Send ok
            do! connection.Read Int64.MaxValue
        }
]

[<Tests>]
let tests =
    testList "the transport" [
        for attempts' in [ 1; 3 ] do
            for expect in [ 0L; Int64.MaxValue ] do
                testCaseTask
                    $"sends {attempts'} requests and no more where each is closed without an answer, Expect from {expect}"
                    (fun () ->
                        task {
                            let close (connection: Connection) : Task = task { connection.Close() }
                            let! outcome, heads = against close (attempts attempts' expect) (patterned 1000)
                            let failure = Expect.wantError outcome "no receipt"
                            Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                            Expect.equal heads attempts' "as many requests as attempts"
                            Expect.equal failure.Attempts attempts' "and as many as the failure counts"
                        })

        testCaseTask "sends one request where the server closes after 100 Continue" (fun () ->
            task {
                let serve (connection: Connection) : Task =
                    task {
                        do! connection.Send "HTTP/1.1 100 Continue\r\n\r\n"
                        connection.Close()
                    }

                let! outcome, heads = against serve (attempts 1 0L) (patterned 5_000_000)
                Expect.isFalse (Expect.wantError outcome "no receipt").MayBeStored "certainly not sent"
                Expect.equal heads 1 "one request"
            })

        for name, serve in early do
            testCaseTask
                $"takes no success for one that comes before the body: a server that says 200 {name}"
                (fun () ->
                    task {
                        let! outcome, heads = against serve (attempts 1 0L) (patterned 1_500_000)
                        let failure = Expect.wantError outcome "no receipt"
                        Expect.equal failure.Kind ExportFailureKind.Unreachable "kind"
                        Expect.equal heads 1 "one request"
                    })

        testCaseTask
            "takes a success after 100 Continue, early hints and the whole body, by several pieces"
            (fun () ->
                task {
                    let content = patterned 1_500_000

                    let serve (connection: Connection) : Task =
                        task {
                            for piece in
                                [
                                    "HTTP/1.1 1"
                                    "00 Continue\r\n"
                                    "X: y\r\n\r"
                                    "\nHTTP/1.1 103 Early Hints\r\n\r\n"
                                ] do
                                do! connection.Send piece
                                do! Task.Delay 20

                            do! connection.Read content.LongLength
                            do! connection.Send "HTTP/1"
                            do! Task.Delay 20
                            do! connection.Send(ok.Substring 6)
                        }

                    let! outcome, _ = against serve (attempts 1 0L) content

                    Expect.equal
                        (Expect.wantOk outcome "a receipt").Sha256
                        (sha256 content)
                        "of the whole body"
                })

        testCaseTask "takes an answer without a length, that ends with the connection" (fun () ->
            task {
                let content = patterned 1000

                let serve (connection: Connection) : Task =
                    task {
                        do! connection.Read content.LongLength
                        do! connection.Send "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                        connection.Close()
                    }

                let! outcome, _ = against serve (attempts 1 Int64.MaxValue) content
                Expect.isOk outcome "a receipt"

                let refuse (connection: Connection) : Task =
                    task {
                        do! connection.Read content.LongLength

                        do!
                            connection.Send
                                "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n<Error><Code>AccessDenied</Code></Error>"

                        connection.Close()
                    }

                let! outcome, _ = against refuse (attempts 1 Int64.MaxValue) content
                Expect.equal (Expect.wantError outcome "no receipt").ErrorCode "AccessDenied" "the code"
            })

        testCaseTask "sends each of many pushes on one connection once" (fun () ->
            task {
                let! server = LoopbackS3Server.StartAsync()
                use folder = new Folder()
                let path = folder.Write("f", patterned 2_000_000)

                use sink =
                    new PresignedS3ExportSink(attempts 1 0L (server.Presign("PUT", bucket, keyOf "a")))

                for _ in 1..5 do
                    let! _ = sink.PushAsync("a", path)
                    ()

                Expect.equal
                    (server.Requests |> Seq.distinctBy _.ConnectionId |> Seq.length)
                    1
                    "one connection"

                Expect.hasLength server.Requests 5 "five requests"
                do! server.DisposeAsync()
            })

        for status, verb in [ 307, "PUT"; 303, "GET" ] do
            testCaseTask $"tells of a client of the caller's that follows a {status}" (fun () ->
                task {
                    use! other = scene "a" (patterned 10)
                    use! scene = scene "a" (patterned 10)
                    scene.Server.Misbehave(bucket, scene.Key, Fault.Redirect(status, Uri other.Url))
                    use client = new HttpClient()
                    use sink = new PresignedS3ExportSink(optionsFor scene.Url, client)
                    let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                    Expect.equal failure.Kind ExportFailureKind.Redirected "kind"
                    Expect.equal failure.Attempts 1 "not tried again"
                    Expect.stringContains failure.Message $"a {verb} to 127.0.0.1" "what the client did"
                    Expect.isTrue failure.MayBeStored "it may lie elsewhere"
                })

        testCaseTask "works with a client of the caller's that is made as it should be" (fun () ->
            task {
                use! scene = scene "a" (patterned 2_000_000)
                let options = optionsFor scene.Url
                use client = new HttpClient(PresignedS3ExportSink.CreateHandler options)
                client.DefaultRequestHeaders.UserAgent.ParseAdd "evidence/1.0"
                use sink = new PresignedS3ExportSink(options, client)
                let! receipt = sink.PushAsync("a", scene.Path)
                receipt |> isTrueOf scene
            })

        testCase "refuses a client that adds headers or gives up too early" (fun () ->
            let refusal (arrange: HttpClient -> unit) =
                use client = new HttpClient()
                arrange client

                try
                    use _ = new PresignedS3ExportSink(optionsFor "https://h/x", client)
                    failtest "a sink where a refusal was expected"
                with :? ArgumentException as error ->
                    error.Message

            Expect.stringContains
                (refusal (fun client -> client.DefaultRequestHeaders.Add("x-amz-acl", "private")))
                "x-amz-acl"
                "the header"

            Expect.stringContains
                (refusal (fun client -> client.Timeout <- TimeSpan.FromSeconds 9.))
                "00:00:09"
                "the timeout")

        testCaseTask "that has been disposed of ends a push as that" (fun () ->
            task {
                use! scene = scene "a" (patterned 10)
                scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Status(503))

                let options =
                    PresignedS3ExportSinkOptions(
                        PresignedUrl = scene.Url,
                        CellId = cellId,
                        Bucket = bucket,
                        RetryBackoff = TimeSpan.FromMilliseconds 300.
                    )

                let sink = new PresignedS3ExportSink(options)
                let push = sink.PushAsync("a", scene.Path)

                do! waitFor "an answer" (fun () -> scene.Puts |> List.exists _.Status.HasValue)

                sink.Dispose()

                let! disposed =
                    task {
                        try
                            let! _ = push
                            return false
                        with :? ObjectDisposedException ->
                            return true
                    }

                Expect.isTrue disposed "disposed"
                Expect.hasLength scene.Puts 1 "one request"
            })

        for failing, isEnabled in
            [
                "fails", (fun () -> true)
                "cannot be asked", (fun () -> failwith "disposed of")
            ] do
            testCaseTask $"keeps the receipt when a logger {failing}" (fun () ->
                task {
                    use! scene = scene "a" (patterned 10)

                    let log = {
                        new ILogger<PresignedS3ExportSink> with
                            member _.BeginScope _ = null
                            member _.IsEnabled _ = isEnabled ()

                            member _.Log(_, _, _, _, _) =
                                raise (IO.IOException "the log's disk is full")
                    }

                    use sink = new PresignedS3ExportSink(optionsFor scene.Url, TimeProvider.System, log)
                    let! receipt = sink.PushAsync("a", scene.Path)
                    receipt |> isTrueOf scene
                })

        testCaseTask "is not reached by a push that was cancelled before it began" (fun () ->
            task {
                use! scene = scene "right" (patterned 10)
                use sink = sinkFor scene.Url

                for path in [ scene.Path; scene.Folder.At "missing" ] do
                    let! cancelled =
                        task {
                            try
                                let! _ = sink.PushAsync("wrong", path, null, CancellationToken true)
                                return false
                            with :? OperationCanceledException ->
                                return true
                        }

                    Expect.isTrue cancelled "cancelled"

                Expect.isEmpty scene.Puts "nothing was sent"
                let! receipt = sink.PushAsync("right", scene.Path)
                receipt |> isTrueOf scene
            })

        testCaseTask
            "leaves a URL to the next artifact when one is refused before its first request"
            (fun () ->
                task {
                    use! scene = scene "right" (patterned 10)
                    let large = scene.Folder.Write("large", patterned 101)

                    use sink =
                        new PresignedS3ExportSink(
                            PresignedS3ExportSinkOptions(
                                PresignedUrl = scene.Url,
                                CellId = cellId,
                                Bucket = bucket,
                                MaxObjectBytes = 100L
                            )
                        )

                    let! failure = failureOf (fun () -> sink.PushAsync("wrong", large))
                    Expect.equal failure.Kind ExportFailureKind.SourceTooLarge "kind"
                    let! receipt = sink.PushAsync("right", scene.Path)
                    receipt |> isTrueOf scene
                })

        testCaseTask "gives a template of the cell's id to one artifact only" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)

                use sink =
                    scriptedSink
                        (optionsFor "http://gateway.example/{cell_id}")
                        TimeProvider.System
                        0.
                        (fun request _ ->
                            task {
                                let! _ = drain request
                                return new HttpResponseMessage(HttpStatusCode.OK)
                            })

                let! _ = sink.PushAsync("a", path)
                let! failure = failureOf (fun () -> sink.PushAsync("b", path))
                Expect.equal failure.Kind ExportFailureKind.UrlUnusable "kind"
            })

        testCaseTask
            "tells the truth of an empty file whose answer is lost, whatever Expect is set to"
            (fun () ->
                task {
                    use! scene = scene "a" [||]
                    scene.Server.Misbehave(bucket, scene.Key, Fault.ResetAfterBody(store = true))
                    use sink = new PresignedS3ExportSink(attempts 1 0L scene.Url)
                    let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                    Expect.isTrue failure.MayBeStored "it is stored"
                    Expect.isFalse (List.exactlyOne scene.Puts).ExpectContinue "no Expect without a body"
                })
    ]
