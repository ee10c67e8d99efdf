namespace Facade.Tests

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Authentication
open System.Text
open System.Threading
open System.Threading.Tasks

/// One end of a TCP connection, plain or within TLS, for what an HTTP server would not do.
type Connection(socket: Socket, stream: Stream) =
    /// The head of a request, up to the empty line.
    member _.ReadHead() =
        task {
            let text = StringBuilder()
            let buffer = Array.zeroCreate<byte> 1
            let mutable go = true

            while go do
                let! count = stream.ReadAsync(buffer.AsMemory())

                if count = 0 then
                    go <- false
                else
                    text.Append(char buffer[0]) |> ignore

                    if text.Length >= 4 && text.ToString(text.Length - 4, 4) = "\r\n\r\n" then
                        go <- false

            return text.ToString()
        }

    /// What there is, at least one byte; 0 at the end.
    member _.Receive(buffer: Memory<byte>) = stream.ReadAsync(buffer).AsTask()

    /// Reads so many bytes, or up to the end.
    member this.Read(count: int64) =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            let mutable left = count

            while left > 0L do
                let! read = this.Receive(buffer.AsMemory(0, int (min left 65536L)))
                left <- if read = 0 then 0L else left - int64 read
        }

    /// Bytes that have come and were not read yet.
    member _.Waiting = socket.Available

    /// Whether the last `ReadSome` found anything.
    member val IsOpen = true with get, set

    member this.ReadSome(report: int -> unit) =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            let! read = this.Receive(buffer.AsMemory())
            this.IsOpen <- read > 0
            report read
        }

    member _.SendBytes(bytes: byte[]) = stream.WriteAsync(bytes).AsTask()

    member this.Send(text: string) : Task<unit> =
        task { do! this.SendBytes(Encoding.Latin1.GetBytes text) }

    /// Ends the connection with a RST.
    member _.Reset() =
        socket.LingerState <- LingerOption(true, 0)
        socket.Close()

    /// Sends a FIN, and goes on to take what comes, into the system's buffers if nobody reads it.
    member _.Finish() = socket.Shutdown SocketShutdown.Send

    /// A FIN, or a RST where bytes of the client are left unread.
    member _.Close() = socket.Close()

    /// The connection as a stream, which ends with it.
    member _.Stream = new NetworkStream(socket, false)

/// Takes connections on loopback, one after the other, and treats each as a test says.
type RawServer(serve: int -> Connection -> Task, ?tls: SslServerAuthenticationOptions, ?bound: Socket) =
    let socket =
        match bound with
        | Some socket -> socket
        | None -> RawServer.Bind()

    let connections = ref 0

    let talk (client: Socket) (number: int) : Task =
        task {
            try
                let plain = new NetworkStream(client, false)

                match tls with
                | None -> do! serve number (Connection(client, plain))
                | Some options ->
                    let stream = new SslStream(plain)
                    do! stream.AuthenticateAsServerAsync options
                    do! serve number (Connection(client, stream))
            with
            | :? IOException
            | :? SocketException
            | :? AuthenticationException
            | :? ObjectDisposedException ->
                // The client has gone, or never came to trust this server: that is its right, and what the
                // test looks at is the client.
                client.Close()
        }

    let rec accept () : Task =
        task {
            let! client = socket.AcceptAsync()
            client.NoDelay <- true
            let number = Interlocked.Increment connections
            Task.Run(fun () -> talk client number) |> ignore
            return! accept ()
        }

    let listen () =
        socket.Listen 128
        accept () |> ignore

    do
        if bound.IsNone then
            listen ()

    /// A socket on a port of its own that does not listen yet: connections to it are refused.
    static member Bind() =
        let socket =
            new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

        socket.Bind(IPEndPoint(IPAddress.Loopback, 0))
        socket

    /// Begins to take connections; a server on a socket of the test's own waits for this.
    member _.Listen() = listen ()

    member _.Connections = connections.Value
    member _.Port = (nonNull socket.LocalEndPoint :?> IPEndPoint).Port

    member this.Url(pathAndQuery: string) =
        $"http://127.0.0.1:{this.Port}{pathAndQuery}"

    interface IDisposable with
        member _.Dispose() = socket.Dispose()

/// A listener whose backlog is full: the kernel leaves further connections unanswered.
type FullBacklog private (socket: Socket, fillers: Socket list, filling: CancellationTokenSource) =
    static member Make() =
        task {
            let socket = RawServer.Bind()
            socket.Listen 0
            let address = nonNull socket.LocalEndPoint
            let filling = new CancellationTokenSource()

            let fillers = [
                for _ in 1..4 ->
                    let filler =
                        new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

                    filler.ConnectAsync(address, filling.Token).AsTask() |> ignore
                    filler
            ]

            do! Task.Delay 100
            return new FullBacklog(socket, fillers, filling)
        }

    member _.Socket = socket
    member _.Address = nonNull socket.LocalEndPoint

    /// How many connections the kernel took before it stopped.
    member val Taken = fillers |> Seq.filter _.Connected |> Seq.length

    /// Takes away what fills it; the listener stays.
    member _.Drain() =
        filling.Cancel()
        fillers |> List.iter _.Dispose()

    interface IDisposable with
        member this.Dispose() =
            this.Drain()
            filling.Dispose()
            socket.Dispose()
