module Tests.TlsServer

open System
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Authentication
open System.Security.Cryptography.X509Certificates
open System.Threading.Tasks

/// A server that accepts PUTs with a length over TLS, with these lines in the head of its responses.
type TlsServer(certificate: X509Certificate2, headers: string list) =
    let listener = new TcpListener(IPAddress.Loopback, 0)

    let response =
        [
            "HTTP/1.1 200 OK"
            "Content-Length: 0"
            "Connection: close"
            yield! headers
            ""
            ""
        ]
        |> String.concat "\r\n"
        |> Text.Encoding.ASCII.GetBytes

    let serve (socket: Socket) =
        task {
            try
                use stream = new SslStream(new NetworkStream(socket, true))
                do! stream.AuthenticateAsServerAsync certificate
                use reader = new StreamReader(stream)
                let mutable length = 0
                let mutable line = "PUT"

                while line <> "" do
                    let! next = reader.ReadLineAsync()
                    line <- Option.ofObj next |> Option.defaultValue ""

                    if line.StartsWith("Content-Length: ", StringComparison.Ordinal) then
                        length <- int (line.Substring 16)

                let! _ = reader.ReadBlockAsync(Array.zeroCreate<char> length, 0, length)
                do! stream.WriteAsync(ReadOnlyMemory response)
                do! stream.ShutdownAsync()
            with
            | :? IOException
            | :? AuthenticationException ->
                // The client ended the handshake: some tests want that.
                ()
        }

    let rec accept () : Task =
        task {
            let! socket = listener.AcceptSocketAsync()
            Task.Run(fun () -> serve socket :> Task) |> ignore
            return! accept ()
        }

    do
        listener.Start()
        accept () |> ignore

    /// The scheme, this host and the port.
    member _.Origin(host: string) =
        $"https://{host}:{(listener.LocalEndpoint :?> IPEndPoint).Port}"

    interface IDisposable with
        member _.Dispose() = listener.Stop()
