namespace Facade.Tests

open System
open System.Net
open System.Net.Sockets
open System.Text
open System.Threading.Tasks

/// One end of a TCP connection, for what an HTTP server would not do.
type Connection(socket: Socket) =
    /// The head of a request, up to the empty line.
    member _.ReadHead() =
        task {
            let text = StringBuilder()
            let buffer = Array.zeroCreate<byte> 1
            let mutable go = true

            while go do
                let! count = socket.ReceiveAsync(ArraySegment buffer, SocketFlags.None)

                if count = 0 then
                    go <- false
                else
                    text.Append(char buffer[0]) |> ignore

                    if text.Length >= 4 && text.ToString(text.Length - 4, 4) = "\r\n\r\n" then
                        go <- false

            return text.ToString()
        }

    /// Reads so many bytes, or up to the end.
    member _.Read(count: int64) =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            let mutable left = count

            while left > 0L do
                let! read =
                    socket.ReceiveAsync(ArraySegment(buffer, 0, int (min left 65536L)), SocketFlags.None)

                left <- if read = 0 then 0L else left - int64 read
        }

    /// Bytes that have come and were not read yet.
    member _.Waiting = socket.Available

    /// Whether the last `ReadSome` found anything.
    member val IsOpen = true with get, set

    member this.ReadSome(report: int -> unit) =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            let! read = socket.ReceiveAsync(ArraySegment buffer, SocketFlags.None)
            this.IsOpen <- read > 0
            report read
        }

    member _.Send(text: string) =
        task {
            let! _ =
                socket.SendAsync(ArraySegment(Encoding.Latin1.GetBytes text), SocketFlags.None)

            return ()
        }

    /// Ends the connection with a RST.
    member _.Reset() =
        socket.LingerState <- LingerOption(true, 0)
        socket.Close()

    member _.Close() = socket.Close()

    /// The connection as a stream, which ends with it.
    member _.Stream = new NetworkStream(socket, false)

/// Takes connections on loopback, one after the other, and treats each as a test says.
type RawServer(serve: int -> Connection -> Task) =
    let listener = new TcpListener(IPAddress.Loopback, 0)
    let mutable connections = 0

    let rec accept () : Task =
        task {
            let! socket = listener.AcceptSocketAsync()
            connections <- connections + 1
            let number = connections

            Task.Run(fun () ->
                task {
                    try
                        do! serve number (Connection socket)
                    with
                    | :? SocketException
                    | :? ObjectDisposedException ->
                        // The client has gone: that is its right, and what the test looks at is the client.
                        ()
                }
                :> Task)
            |> ignore

            return! accept ()
        }

    do
        listener.Start()
        accept () |> ignore

    member _.Connections = connections
    member _.Port = (listener.LocalEndpoint :?> IPEndPoint).Port

    member this.Url(pathAndQuery: string) =
        $"http://127.0.0.1:{this.Port}{pathAndQuery}"

    interface IDisposable with
        member _.Dispose() = listener.Stop()
