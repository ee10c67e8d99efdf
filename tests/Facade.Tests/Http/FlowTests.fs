/// One request, one connection: whatever the host's own code does around it, and however a server puts its answer.
module Facade.Tests.FlowTests

open System
open System.IO
open System.Net.Http
open System.Net.Security
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

let private optionsWithin (server: string) (bundle: string | null) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = server + "/evidence/{artifact_name}",
        CaBundle = bundle,
        CellId = cellId,
        Bucket = bucket,
        MaxAttempts = 1,
        RequestTimeout = TimeSpan.FromSeconds 5.,
        ExpectContinueMinBytes = Nullable()
    )

let private optionsTo (server: RawServer) = optionsWithin (server.Url "") null

/// An authority, and a certificate of this host.
let private identity =
    lazy
        (let root = Certificates.authority "flow"
         root, Certificates.issue root "127.0.0.1" (DateTimeOffset.UtcNow.AddDays 10.))

let private answer status =
    $"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"

let private sparse (folder: Folder) (size: int64) =
    let path = folder.At "large"
    use file = File.Create path
    file.SetLength size
    path

/// The number that a request's `Content-Length` gives.
let private lengthOf (head: string) =
    head.Split "\r\n"
    |> Array.tryPick (fun line ->
        if line.StartsWith "Content-Length: " then
            Some(int64 (line.Substring 16))
        else
            None)
    |> Option.defaultValue 0L

/// Sends another request of its own before each PUT, as one that fetches a token might.
type private Chatty(url: string, inner: HttpMessageHandler) =
    inherit DelegatingHandler(inner)

    member private _.Pass(request, cancellationToken) =
        base.SendAsync(request, cancellationToken)

    override this.SendAsync(request, cancellationToken) =
        task {
            use! _ = this.Pass(new HttpRequestMessage(HttpMethod.Get, url), cancellationToken)
            return! this.Pass(request, cancellationToken)
        }

[<Tests>]
let tests =
    testList "a request and its connection" [
        for name, pieces in
            [
                "in pieces", [ "HTTP/1.1"; " 403 Forbidden\r\nContent-Length: 0\r\n\r\n" ]
                "byte by byte", [ for c in answer "403 Forbidden" -> string c ]
                "after an interim one", [ "HTTP/1.1 100 Continue\r\n\r\n"; answer "403 Forbidden" ]
                "after several interim ones",
                [
                    for _ in 1..20 do
                        "HTTP/1.1 102 Processing\r\n\r\n"

                    answer "403 Forbidden"
                ]
                "after more than is read ahead",
                [
                    "HTTP/1.1 103 Early Hints\r\nLink: " + String('a', 30_000) + "\r\n\r\n"
                    answer "403 Forbidden"
                ]
            ] do
            for inUse, isTls in [ false, false; true, false; false, true; true, true ] do
                let how =
                    (if inUse then "a connection in use" else "a new connection")
                    + (if isTls then " within TLS" else "")

                testCaseTask $"see an answer {name} while the body is sent, on {how}" (fun () ->
                    task {
                        use folder = new Folder()
                        let path = sparse folder (16L <<< 20)
                        let small = folder.Write("small", patterned 10)

                        let serve (connection: Connection) : Task =
                            task {
                                if inUse then
                                    let! _ = connection.ReadHead()
                                    do! connection.Read 10L
                                    do! connection.Send(answer "200 OK")

                                let! _ = connection.ReadHead()
                                do! connection.Read 100_000L

                                for piece in pieces do
                                    do! connection.Send piece
                                    do! Task.Delay 10

                                do! connection.Read Int64.MaxValue
                            }

                        use server =
                            if isTls then
                                new RawServer(
                                    (fun _ connection -> serve connection),
                                    tls =
                                        SslServerAuthenticationOptions(
                                            ServerCertificate = snd identity.Value
                                        )
                                )
                            else
                                new RawServer(fun _ connection -> serve connection)

                        let bundle = folder.At "bundle.pem"

                        if isTls then
                            File.WriteAllText(bundle, (fst identity.Value).ExportCertificatePem())

                        use sink =
                            new PresignedS3ExportSink(
                                if isTls then
                                    optionsWithin ((server.Url "").Replace("http:", "https:")) bundle
                                else
                                    optionsTo server
                            )

                        if inUse then
                            let! _ = sink.PushAsync("small", small)
                            ()

                        let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                        Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                    })

        testCaseTask "know each other where the caller's flow is suppressed" (fun () ->
            task {
                use folder = new Folder()
                let path = sparse folder (64L <<< 20)

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! _ = connection.ReadHead()
                            do! connection.Read 1000L
                            do! connection.Send(answer "200 OK")
                            do! connection.Read Int64.MaxValue
                        })

                use sink = new PresignedS3ExportSink(optionsTo server)

                let push () =
                    use _ = ExecutionContext.SuppressFlow()
                    sink.PushAsync("a", path)

                let! failure = failureOf push
                Expect.isTrue failure.MayBeStored failure.Message
            })

        testCaseTask "are told once where the caller's flow is suppressed" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)
                let mutable seen = 0

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! _ = connection.ReadHead()
                            do! connection.Read 10L

                            if Interlocked.Increment(&seen) = 1 then
                                do! connection.Send(answer "200 OK")
                                let! _ = connection.ReadHead()
                                do! connection.Read 10L
                                Interlocked.Increment(&seen) |> ignore

                            connection.Close()
                        })

                use sink = new PresignedS3ExportSink(optionsTo server)
                let! _ = sink.PushAsync("a", path)

                let push () =
                    use _ = ExecutionContext.SuppressFlow()
                    sink.PushAsync("b", path)

                let! failure = failureOf push
                Expect.equal failure.Kind ExportFailureKind.Unreachable failure.Message
                Expect.equal seen 2 "requests"
            })

        testCaseTask "take no part of another push with them" (fun () ->
            task {
                use folder = new Folder()
                let large = sparse folder (16L <<< 20)
                let small = folder.Write("small", patterned 10)
                let begun = TaskCompletionSource()
                let go = TaskCompletionSource()

                use server =
                    new RawServer(fun number connection ->
                        task {
                            let! _ = connection.ReadHead()

                            if number = 1 then
                                do! connection.Read 1000L
                                begun.SetResult()
                                do! go.Task
                                do! connection.Send(answer "403 Forbidden")
                                do! connection.Read Int64.MaxValue
                            else
                                do! connection.Read 10L
                                do! connection.Send(answer "200 OK")
                        })

                let options = optionsTo server
                let handler = PresignedS3ExportSink.CreateHandler options
                handler.MaxConnectionsPerServer <- 1
                use client = new HttpClient(handler)
                client.Timeout <- Timeout.InfiniteTimeSpan
                use sink = new PresignedS3ExportSink(options, client)
                let first = failureOf (fun () -> sink.PushAsync("a", large))
                do! begun.Task
                let second = sink.PushAsync("b", small)
                do! Task.Delay 100
                go.SetResult()
                let! failure = first
                Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                let! receipt = second
                Expect.equal receipt.Attempts 1 "attempts"
            })

        testCaseTask "are not mixed with what the host sends when it is told of progress" (fun () ->
            task {
                use folder = new Folder()
                let content = patterned (3 <<< 20)
                let path = folder.Write("large", content)
                let bodies = Collections.Concurrent.ConcurrentDictionary<string, string>()

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! head = connection.ReadHead()
                            let body = Array.zeroCreate<byte>(int (lengthOf head))
                            do! connection.Stream.ReadExactlyAsync(body)
                            bodies[head.Substring(0, head.IndexOf ' ')] <- sha256 body
                            do! connection.Send(answer "200 OK")
                        })

                let options = optionsTo server
                use client = new HttpClient(PresignedS3ExportSink.CreateHandler options)
                client.Timeout <- Timeout.InfiniteTimeSpan
                use sink = new PresignedS3ExportSink(options, client)

                let progress = {
                    new IProgress<ExportProgress> with
                        member _.Report progress =
                            if progress.BytesSent = 65536L then
                                use _ = client.GetAsync(server.Url "/progress").Result
                                ()
                }

                let! receipt = sink.PushAsync(ExportArtifact("a", path), progress)
                Expect.equal receipt.Sha256 (sha256 content) "the receipt"
                Expect.equal bodies["PUT"] (sha256 content) "what was sent"
            })

        testCaseTask "are not mixed with what a handler of the host's sends on its own account" (fun () ->
            task {
                use folder = new Folder()
                let content = patterned (3 <<< 20)
                let path = folder.Write("large", content)
                let bodies = Collections.Concurrent.ConcurrentBag<string>()

                use server =
                    new RawServer(fun _ connection ->
                        task {
                            let! head = connection.ReadHead()
                            let body = Array.zeroCreate<byte>(int (lengthOf head))
                            do! connection.Stream.ReadExactlyAsync(body)

                            if head.StartsWith "PUT" then
                                bodies.Add(sha256 body)

                            // So that the PUT needs another connection.
                            do! connection.Send("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                        })

                let options = optionsTo server

                use client =
                    new HttpClient(
                        new Chatty(server.Url "/token", PresignedS3ExportSink.CreateHandler options)
                    )

                client.Timeout <- Timeout.InfiniteTimeSpan
                use sink = new PresignedS3ExportSink(options, client)

                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.Unreachable failure.Message
                Expect.stringContains failure.Message "Another request was sent" "why"
                Expect.isFalse failure.MayBeStored failure.Message
                Expect.isEmpty bodies "nothing that is not the file"
            })

        testCaseTask "leave no error unseen when the caller goes before a slow source of URLs" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)
                let late = TaskCompletionSource<string>()
                let unseen = Collections.Concurrent.ConcurrentQueue<string>()

                let watch =
                    EventHandler<UnobservedTaskExceptionEventArgs>(fun _ e ->
                        if e.Exception.ToString().Contains "too late" then
                            unseen.Enqueue(string e.Exception))

                TaskScheduler.UnobservedTaskException.AddHandler watch

                try
                    let push () =
                        task {
                            use caller = new CancellationTokenSource()

                            use sink =
                                new PresignedS3ExportSink(
                                    PresignedS3ExportSinkOptions(
                                        CellId = cellId,
                                        Bucket = bucket,
                                        PresignedUrlProvider =
                                            Func<_, _, _>(fun _ _ ->
                                                ValueTask<string>(
                                                    task {
                                                        let! url = late.Task
                                                        return url
                                                    }
                                                ))
                                    )
                                )

                            let pushing = sink.PushAsync("a", path, null, caller.Token)
                            caller.Cancel()

                            try
                                let! _ = pushing
                                failtest "a receipt"
                            with :? OperationCanceledException as error ->
                                Expect.equal error.CancellationToken caller.Token "the caller's"
                        }

                    do! push ()
                    late.SetException(InvalidOperationException "too late")
                    let _ = late.Task.Exception

                    for _ in 1..3 do
                        do! Task.Delay 20
                        GC.Collect()
                        GC.WaitForPendingFinalizers()

                    Expect.isEmpty unseen "unobserved"
                finally
                    TaskScheduler.UnobservedTaskException.RemoveHandler watch
            })
    ]
