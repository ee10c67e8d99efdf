/// A TCP relay in front of the store, for what may happen on the way.
module Live.Tests.Relay

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading.Tasks

/// Turns one bit of the body of each of the first so many requests of `length` bytes.
type Damaging(port: int, length: int64, requests: int) =
    let listener = new TcpListener(IPAddress.Loopback, 0)
    let mutable damaged = 0
    let mutable passed = 0L

    /// In the middle of a body; the heads before it, of this and of earlier requests, are far shorter.
    let isInTheMiddle (at: int64) = at % length = length / 2L

    let copy (from: Stream) (into: Stream) (upwards: bool) : Task =
        task {
            let buffer = Array.zeroCreate<byte> 16384
            let mutable at = 0L
            let mutable more = true

            try
                while more do
                    let! count = from.ReadAsync(buffer.AsMemory())
                    more <- count > 0

                    if upwards then
                        for i in 0 .. count - 1 do
                            if isInTheMiddle (at + int64 i) && damaged < requests then
                                damaged <- damaged + 1
                                buffer[i] <- buffer[i] ^^^ 1uy

                    at <- at + int64 count

                    if upwards then
                        Threading.Interlocked.Add(&passed, int64 count) |> ignore

                    do! into.WriteAsync(buffer.AsMemory(0, count))
            with
            | :? IOException
            | :? ObjectDisposedException ->
                // One side has gone, and so does the other.
                ()

            from.Dispose()
            into.Dispose()
        }

    let rec accept () : Task =
        task {
            let! client = listener.AcceptTcpClientAsync()

            Task.Run(fun () ->
                task {
                    use server = new TcpClient()
                    do! server.ConnectAsync(IPAddress.Loopback, port)
                    use up = client.GetStream()
                    use down = server.GetStream()
                    do! Task.WhenAll(copy up down true, copy down up false)
                }
                :> Task)
            |> ignore

            return! accept ()
        }

    do
        listener.Start()
        accept () |> ignore

    /// The bytes that have gone to the store.
    member _.Upwards = Threading.Volatile.Read &passed

    member _.Port = (listener.LocalEndpoint :?> IPEndPoint).Port

    interface IDisposable with
        member _.Dispose() = listener.Stop()
