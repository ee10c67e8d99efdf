/// The watch on a connection, without HttpClient: what no server can be made to do at the right moment.
module Facade.Tests.ReplyWatchTests

open System
open System.IO
open System.Net.Http
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3
open CellOS.Export.S3.Http
open CellOS.Export.S3.Source
open Expecto
open Facade.Tests.Support

/// A connection whose other end is a test: each read takes what was said next, or does what `gives` says, and each
/// write does what `takes` says.
type private Wire(takes: int -> Task, ?gives: Memory<byte> -> CancellationToken -> Task<int>) =
    inherit Stream()
    let said = Channels.Channel.CreateUnbounded<byte[]>()
    let mutable writes = 0

    member _.Say(text: string) =
        said.Writer.TryWrite(Text.Encoding.ASCII.GetBytes text) |> ignore

    member _.Writes = writes
    member val IsDisposed = false with get, set
    override _.CanRead = true
    override _.CanSeek = false
    override _.CanWrite = true
    override _.Length = raise (NotSupportedException())

    override _.Position
        with get () = raise (NotSupportedException())
        and set _ = raise (NotSupportedException())

    override _.Flush() = ()
    override _.Read(_: byte[], _: int, _: int) : int = raise (NotSupportedException())
    override _.Seek(_, _) = raise (NotSupportedException())
    override _.SetLength _ = raise (NotSupportedException())
    override _.Write(_: byte[], _: int, _: int) = raise (NotSupportedException())

    override _.ReadAsync(buffer: Memory<byte>, cancellationToken: CancellationToken) =
        match gives with
        | Some gives -> ValueTask<int>(gives buffer cancellationToken)
        | None ->
            ValueTask<int>(
                task {
                    let! bytes = said.Reader.ReadAsync cancellationToken
                    bytes.CopyTo buffer
                    return bytes.Length
                }
            )

    override _.WriteAsync(_: ReadOnlyMemory<byte>, _: CancellationToken) =
        writes <- writes + 1
        ValueTask(takes writes)

    override this.Dispose(disposing: bool) =
        this.IsDisposed <- true
        base.Dispose disposing

let private taking _ : Task = Task.CompletedTask

let private read (connection: WatchedStream) =
    task {
        let buffer = Array.zeroCreate<byte> 4096
        let! count = connection.ReadAsync(Memory buffer)
        return Text.Encoding.ASCII.GetString(buffer, 0, count)
    }

/// The exception that an action ends in.
let private errorOf (action: unit -> Task) =
    task {
        try
            do! action ()
            return failtest "no exception"
        with :? IOException as error ->
            return error
    }

/// A request of its own on a connection.
type private Request(folder: Folder) =
    let source = SourceFile.Open(folder.Write(Guid.NewGuid().ToString(), patterned 100))
    let content = new SourceContent(source, 100L, [], Action ignore)
    let attempt = new CancellationTokenSource()
    let stall = new StallWatch(Nullable(), TimeProvider.System, attempt)
    let request = new HttpRequestMessage()
    let watch = ReplyWatch(content, stall, ProxyRoute request)
    member _.Watch = watch
    member _.Content = content

    /// Writes in the flow of this request.
    member _.Write(connection: WatchedStream) : Task =
        task {
            ReplyWatch.Current <- watch

            try
                do! connection.WriteAsync(ReadOnlyMemory "PUT /x HTTP/1.1\r\n\r\n"B)
            finally
                ReplyWatch.Current <- null
        }

    /// Reads in the flow of this request.
    member _.Read(connection: WatchedStream) =
        task {
            ReplyWatch.Current <- watch

            try
                return! read connection
            finally
                ReplyWatch.Current <- null
        }

    /// Sends the body in the flow of this request, as the last bytes of it.
    member _.SendTo(connection: WatchedStream) : Task =
        task {
            ReplyWatch.Current <- watch
            content.End <- watch

            try
                do! content.CopyToAsync connection
            finally
                ReplyWatch.Current <- null
        }

    /// Hands the body over, to nobody.
    member _.SendBody() =
        content.CopyToAsync(new ReceivingStream(fun _ _ -> Task.CompletedTask))

    interface IDisposable with
        member _.Dispose() =
            request.Dispose()
            content.Dispose()
            attempt.Dispose()
            (source :> IDisposable).Dispose()

let private success = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

[<Tests>]
let tests =
    testList "the watch on a connection" [
        testCaseTask "takes no answer to nothing for the answer to the next request" (fun () ->
            task {
                use folder = new Folder()
                let wire = new Wire(taking)
                use connection = new WatchedStream(wire, null)
                use first = new Request(folder)
                do! first.Write connection
                do! first.SendBody()
                wire.Say success
                let! _ = read connection
                Expect.isFalse first.Watch.IsEarly "the first has its answer"

                // As HttpClient does before it uses a connection again; then comes what nobody asked for.
                let looking = read connection
                wire.Say success
                let! _ = looking
                use second = new Request(folder)
                do! second.Write connection
                do! second.SendBody()
                Expect.isTrue second.Watch.IsEarly "it came before the request"
                Expect.isFalse second.Watch.HasBegun "and is none to it"
            })

        for piece in [ "HTTP/1.1 2"; success; "HTTP/1.1 100 Continue\r\n\r\n" + success ] do
            testCaseTask
                $"sends no last bytes after an answer that was there before the request ({piece.Length} characters)"
                (fun () ->
                    task {
                        use folder = new Folder()
                        let wire = new Wire(taking)
                        wire.Say piece
                        use connection = (new WatchedStream(wire, null)).Listen()
                        use request = new Request(folder)
                        do! request.SendTo connection
                        Expect.equal wire.Writes 0 "nothing left"
                        Expect.isTrue request.Watch.IsEarly "it came before the body was out"
                        Expect.isNull request.Content.Sent "nothing was sent"
                        Expect.isFalse request.Content.MayBeComplete "and nothing can be stored"
                        let! said = request.Read connection
                        Expect.equal said piece "the answer is there"
                    })

        testCaseTask "takes an interim answer that was there before the request for no answer" (fun () ->
            task {
                use folder = new Folder()
                let wire = new Wire(taking)
                wire.Say "HTTP/1.1 100 Continue\r\n\r\n"
                use connection = (new WatchedStream(wire, null)).Listen()
                use request = new Request(folder)
                do! request.SendTo connection
                Expect.equal wire.Writes 1 "the request left"
                let! _ = request.Read connection
                wire.Say success
                let! said = request.Read connection
                Expect.equal said success "the answer"
                Expect.isTrue request.Watch.HasBegun "seen"
                Expect.isFalse request.Watch.IsEarly "after the body"
            })

        testCaseTask "tells of a fresh connection that the server closed before the request" (fun () ->
            task {
                use folder = new Folder()
                let wire = new Wire(taking, (fun _ _ -> Task.FromResult 0))
                use connection = (new WatchedStream(wire, null)).Listen()
                use request = new Request(folder)
                do! request.SendTo connection
                let! closed = errorOf (fun () -> (request.Read connection :> Task))
                Expect.stringContains closed.Message "without an answer" "HttpClient sends nothing twice"
            })

        for name, isAnswered in [ "its own", true; "nothing", false ] do
            testCaseTask
                $"gives a receipt for a success only if it is the answer to the request: to {name}"
                (fun () ->
                    task {
                        use folder = new Folder()
                        let path = folder.Write("f", patterned 100)
                        let wire = new Wire(taking)
                        use connection = new WatchedStream(wire, null)

                        // As HttpClient does it: the head, the body, and what comes back.
                        let reply (request: HttpRequestMessage) _ =
                            task {
                                do! connection.WriteAsync(ReadOnlyMemory "PUT /x HTTP/1.1\r\n\r\n"B)
                                do! (nonNull request.Content).CopyToAsync Stream.Null
                                wire.Say success

                                if isAnswered then
                                    let! _ = read connection
                                    ()

                                return new HttpResponseMessage(Net.HttpStatusCode.OK)
                            }

                        let options =
                            PresignedS3ExportSinkOptions(
                                PresignedUrl = "http://gateway.example/evidence/a",
                                CellId = cellId,
                                Bucket = bucket,
                                MaxAttempts = 1
                            )

                        use sink = scriptedSink options TimeProvider.System 0. reply

                        if isAnswered then
                            let! receipt = sink.PushAsync("a", path)
                            Expect.equal receipt.BytesWritten 100L "a receipt"
                        else
                            let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                            Expect.isTrue failure.MayBeStored "there was a success"
                    })

        for name, interim in
            [
                "100 Continue", "HTTP/1.1 100 Continue\r\n\r\n"
                "100 Continue with bare line feeds", "HTTP/1.1 100 Continue\n\n"
                "100 Continue with a header", "HTTP/1.1 100 Continue\r\nDate: now\r\n\r\n"
                "several", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
            ] do
            for size in [ 1; 7; 1000 ] do
                testCaseTask $"sees the answer after {name}, {size} characters at a time" (fun () ->
                    task {
                        use folder = new Folder()
                        let wire = new Wire(taking)
                        use connection = new WatchedStream(wire, null)
                        use request = new Request(folder)
                        do! request.Write connection
                        do! request.SendBody()
                        let mutable told = 0

                        for piece in (interim + success) |> Seq.chunkBySize size |> Seq.map String do
                            wire.Say piece
                            let! said = request.Read connection
                            Expect.equal said piece "what was said, whoever read it ahead"
                            told <- told + piece.Length

                            Expect.equal
                                request.Watch.HasBegun
                                (told > interim.Length + "HTTP/1.1 ".Length)
                                $"after {told} characters"

                        Expect.isFalse request.Watch.IsEarly "the body was out"
                    })

        testCaseTask "ends the writing when an answer begins, and closes the connection at the end" (fun () ->
            task {
                use folder = new Folder()
                let stuck = TaskCompletionSource()

                // The second write is never taken, until it is given up.
                let wire =
                    new Wire(fun writes -> if writes = 1 then Task.CompletedTask else stuck.Task)

                use connection = new WatchedStream(wire, null)
                use request = new Request(folder)
                do! request.Write connection
                let writing = request.Write connection
                wire.Say "HTTP/1.1 403 Forbidden\r\n\r\n"
                let! said = request.Read connection
                Expect.stringStarts said "HTTP/1.1 403" "the answer is there"
                stuck.SetException(OperationCanceledException())
                do! writing
                do! request.Write connection
                Expect.equal wire.Writes 2 "nothing more is written"

                // Another flow: HttpClient, looking whether the connection may be used again.
                let! count = connection.ReadAsync(Memory(Array.zeroCreate<byte> 1))
                Expect.equal count 0 "it may not"
                use next = new Request(folder)
                let! refused = errorOf (fun () -> next.Write connection)
                Expect.stringContains refused.Message "earlier request" "not even by force"
                request.Watch.End()
                Expect.isTrue wire.IsDisposed "closed"
            })

        testCaseTask "has the last bytes wait until what the server has said was read" (fun () ->
            task {
                use folder = new Folder()
                use listener = new TcpListener(Net.IPAddress.Loopback, 0)
                listener.Start()
                use client = new TcpClient()
                let endpoint = listener.LocalEndpoint :?> Net.IPEndPoint
                do! client.ConnectAsync endpoint
                use! server = listener.AcceptTcpClientAsync()

                // Reads of this connection wait for the test.
                let mayRead = TaskCompletionSource()

                let wire =
                    new Wire(
                        taking,
                        fun buffer cancellationToken ->
                            task {
                                do! mayRead.Task
                                return! client.GetStream().ReadAsync(buffer, cancellationToken)
                            }
                    )

                use connection = new WatchedStream(wire, client.Client)
                use request = new Request(folder)
                request.Content.End <- request.Watch
                do! request.Write connection
                do! server.GetStream().WriteAsync(Text.Encoding.ASCII.GetBytes success)
                do! waitFor "the answer" (fun () -> client.Available > 0)
                let sending = request.SendBody()
                do! Task.Delay 50
                Expect.isFalse sending.IsCompleted "not before the answer was seen"
                mayRead.SetResult()
                do! sending
                Expect.isTrue request.Watch.IsEarly "it came before the body was out"
                Expect.isNull request.Content.Sent "so nothing was sent"
            })

        testCaseTask "lets a fault of the connection through that is no cut" (fun () ->
            task {
                use folder = new Folder()

                let wire =
                    new Wire(fun _ ->
                        Task.FromException(
                            IOException("full", SocketException(int SocketError.NoBufferSpaceAvailable))
                        ))

                use connection = new WatchedStream(wire, null)
                use request = new Request(folder)
                let! error = errorOf (fun () -> request.Write connection)
                Expect.equal error.Message "full" "as it came"
            })

        for code in
            [
                SocketError.ConnectionReset
                SocketError.ConnectionAborted
                SocketError.Shutdown
            ] do
            testCaseTask $"still reads where the connection takes no more ({code})" (fun () ->
                task {
                    use folder = new Folder()

                    let wire =
                        new Wire(fun _ -> Task.FromException(IOException("cut", SocketException(int code))))

                    use connection = new WatchedStream(wire, null)
                    use request = new Request(folder)
                    do! request.Write connection
                    wire.Say "HTTP/1.1 403 Forbidden\r\n\r\n"
                    let! said = request.Read connection
                    Expect.stringStarts said "HTTP/1.1 403" "the answer is there"
                    Expect.isTrue request.Watch.IsEarly "and is to no whole request"
                    do! request.SendBody()
                    Expect.isNull request.Content.Sent "nothing was sent"
                    Expect.isFalse request.Content.MayBeComplete "and nothing can be stored"
                    Expect.equal request.Content.BytesSent 0L "not one byte"
                })
    ]
