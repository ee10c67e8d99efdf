module Facade.Tests.StallTests

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

let private seconds (count: float) = TimeSpan.FromSeconds count

let private stalling (attempts: int) (limit: TimeSpan) (url: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        MaxAttempts = attempts,
        RetryBackoff = TimeSpan.Zero,
        StallTimeout = Nullable limit,
        RequestTimeout = TimeSpan.FromHours 1.
    )

let private piece = 65536

/// A push of five pieces in a time of its own, to a server that takes each when the test says so.
let private gated (attempts: int) (play: FakeTime -> SemaphoreSlim -> SemaphoreSlim -> Task) =
    task {
        let time = FakeTime(DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero))
        use folder = new Folder()
        let path = folder.Write("f", patterned (5 * piece))
        use arrived = new SemaphoreSlim 0
        use gate = new SemaphoreSlim 0

        let options = stalling attempts (seconds 10.) "http://gateway.example/x"

        use sink =
            scriptedSink options time 0. (fun request cancellationToken ->
                task {
                    let pass (_: ReadOnlyMemory<byte>) (cancellationToken: CancellationToken) =
                        arrived.Release() |> ignore
                        gate.WaitAsync cancellationToken

                    use stream = new ReceivingStream(pass)
                    do! (nonNull request.Content).CopyToAsync(stream, cancellationToken)
                    // The reply is a piece more.
                    do! pass ReadOnlyMemory.Empty cancellationToken
                    return new HttpResponseMessage(HttpStatusCode.OK)
                })

        let push = sink.PushAsync("a", path)
        do! play time arrived gate

        return!
            task {
                try
                    let! receipt = push
                    return Ok receipt
                with :? ExportException as failure ->
                    return Error failure
            }
    }

let private comes (arrived: SemaphoreSlim) =
    task {
        let! came = arrived.WaitAsync(seconds 20.)
        Expect.isTrue came "the next piece"
    }

/// Lets so many pieces through, each just in time.
let private trickle (pieces: int) (time: FakeTime) (arrived: SemaphoreSlim) (gate: SemaphoreSlim) =
    task {
        for _ in 1..pieces do
            do! comes arrived
            time.Advance(seconds 9.999)
            gate.Release() |> ignore
    }

/// Lets so many pieces through, and no more.
let private strike pieces (time: FakeTime) (arrived: SemaphoreSlim) (gate: SemaphoreSlim) =
    task {
        do! trickle pieces time arrived gate
        do! comes arrived
        time.Advance(seconds 9.999)
        time.Advance(TimeSpan.FromMilliseconds 1.)
    }

let private failureAt (serve: Connection -> Task) (attempts: int) (content: byte[]) =
    task {
        use server =
            new RawServer(fun _ connection ->
                task {
                    let! head = connection.ReadHead()

                    if head <> "" then
                        do! serve connection
                })

        use folder = new Folder()
        let path = folder.Write("f", content)

        use sink =
            new PresignedS3ExportSink(
                stalling attempts (TimeSpan.FromMilliseconds 300.) (server.Url "/bucket/x")
            )

        let! failure = failureOf (fun () -> sink.PushAsync("a", path))
        return failure, server.Connections
    }

let private silent (connection: Connection) : Task = connection.Read Int64.MaxValue

/// Neither reads nor answers.
let private deaf (_: Connection) : Task = Task.Delay(seconds 20.)

let private isStall (sent: string) (failure: ExportException) =
    Expect.equal failure.Kind ExportFailureKind.TimedOut "kind"
    Expect.stringContains failure.Message "no byte moved for 300 ms" "which limit"
    Expect.stringContains failure.Message sent "how far"

    Expect.stringContains
        failure.Message
        "CELLOS_EXPORT_S3_STALL_TIMEOUT_MS (in code: StallTimeout)"
        "what to set"

[<Tests>]
let tests =
    testList "the stall timeout" [
        testCaseTask "does not strike while pieces move, however slowly" (fun () ->
            task {
                let! outcome = gated 1 (fun time arrived gate -> trickle 6 time arrived gate)
                let receipt = Expect.wantOk outcome "a receipt"
                Expect.equal receipt.BytesWritten (int64 (5 * piece)) "all of it"

                Expect.equal
                    (receipt.CompletedAt - receipt.StartedAt)
                    (seconds 59.994)
                    "six times nearly the limit"
            })

        for pieces in [ 0; 2; 5 ] do
            testCaseTask $"strikes to the millisecond after {pieces} pieces, and is told exactly" (fun () ->
                task {
                    let! outcome = gated 1 (fun time arrived gate -> strike pieces time arrived gate)
                    let failure = Expect.wantError outcome "no receipt"
                    Expect.equal failure.Kind ExportFailureKind.TimedOut "kind"
                    Expect.equal failure.Elapsed (seconds (9.999 * float pieces + 10.)) "no sooner, no later"

                    Expect.stringContains
                        failure.Message
                        $"no byte moved for 10 s; {pieces * piece} of {5 * piece} bytes had been sent"
                        "what moved"

                    Expect.equal failure.MayBeStored (pieces = 5) "whether all of it did"
                })

        testCaseTask "is healed by another attempt, which has a time of its own" (fun () ->
            task {
                let! outcome =
                    gated 2 (fun time arrived gate ->
                        task {
                            do! strike 2 time arrived gate
                            do! trickle 6 time arrived gate
                        })

                Expect.equal (Expect.wantOk outcome "a receipt").Attempts 2 "two attempts"
            })

        testCaseTask "strikes where the server stops reading" (fun () ->
            task {
                let serve (connection: Connection) : Task =
                    task {
                        do! connection.Send "HTTP/1.1 100 Continue\r\n\r\n"
                        do! connection.Read 100_000L
                        do! deaf connection
                    }

                let! failure, connections = failureAt serve 2 (patterned 30_000_000)
                failure |> isStall " of 30000000 bytes"
                Expect.isFalse (failure.Message.Contains "; 0 of") "some of it was sent"
                Expect.isFalse failure.MayBeStored "certainly not stored"
                Expect.equal failure.Attempts 2 "tried again"
                Expect.equal connections 2 "on a connection of its own"
            })

        testCaseTask "strikes where an empty file has no answer" (fun () ->
            task {
                let! failure, _ = failureAt silent 1 [||]
                failure |> isStall "0 of 0 bytes"
            })

        testCaseTask "does not hide an answer whose body breaks off" (fun () ->
            task {
                let serve (connection: Connection) : Task =
                    task {
                        do! connection.Read 1000L

                        do!
                            connection.Send
                                "HTTP/1.1 403 Forbidden\r\nContent-Length: 1000\r\n\r\n<Error><Code>AccessDenied"

                        do! silent connection
                    }

                let! failure, _ = failureAt serve 1 (patterned 1000)
                Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                Expect.equal failure.StatusCode (Nullable(enum 403)) "the status was there"
            })

        testCaseTask "lets an answer of single bytes through" (fun () ->
            task {
                let content = patterned 1000

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! _ = connection.ReadHead()
                            do! connection.Read content.LongLength

                            for octet in "HTTP/1.1 200 OK\r\nX: 1234567890\r\nContent-Length: 0\r\n\r\n" do
                                do! Task.Delay 100
                                do! connection.Send(string octet)
                        })

                use folder = new Folder()
                let path = folder.Write("f", content)
                // In all the answer takes longer than that.
                use sink = new PresignedS3ExportSink(stalling 1 (seconds 4.) (server.Url "/x"))
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.Sha256 (sha256 content) "of the whole body"
            })

        for name, client in
            [
                "any client of the caller's", (fun _ -> new HttpClient())
                "a client on the sink's handler",
                (fun options -> new HttpClient(PresignedS3ExportSink.CreateHandler options))
            ] do
            testCaseTask $"strikes with {name}" (fun () ->
                task {
                    use! scene = scene "a" (patterned 1234)
                    scene.Server.MisbehaveAlways(bucket, scene.Key, Fault.Silence(afterBody = true))
                    let options = stalling 1 (TimeSpan.FromMilliseconds 300.) scene.Url
                    use client = client options
                    client.Timeout <- Timeout.InfiniteTimeSpan
                    use sink = new PresignedS3ExportSink(options, client)
                    let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                    failure |> isStall "1234 of 1234 bytes"
                })

        testCaseTask "does not bound connecting, for which there is the connect timeout" (fun () ->
            task {
                use! full = FullBacklog.Make()
                use folder = new Folder()
                let path = folder.Write("f", [| 1uy |])

                use sink =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            PresignedUrl = $"http://{full.Address}/evidence/x",
                            CellId = cellId,
                            Bucket = bucket,
                            MaxAttempts = 1,
                            StallTimeout = Nullable(TimeSpan.FromMilliseconds 100.),
                            ConnectTimeout = TimeSpan.FromMilliseconds 600.
                        )
                    )

                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.stringContains failure.Message "no connection within 600 ms" "which limit"
            })

        testCase "is positive, or none" (fun () ->
            Expect.equal (optionsFor "http://h/x").StallTimeout (Nullable()) "none"

            Expect.throwsT<ArgumentException>
                (fun () ->
                    use _ = new PresignedS3ExportSink(stalling 1 TimeSpan.Zero "http://h/x")
                    ())
                "refused")
    ]
