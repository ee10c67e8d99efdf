/// Brokers that do what a test says, over TCP and over Unix sockets.
module Facade.Tests.BrokerSupport

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.IO
open System.Net
open System.Net.Sockets
open System.Text
open System.Text.Json
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3
open LoopbackS3
open Facade.Tests.Support

/// A request as a broker sees it.
type BrokerRequest = {
    Method: string
    Path: string
    Headers: IReadOnlyDictionary<string, string>
    Body: string
} with

    /// A field of the JSON in the body; empty if it is not there.
    member this.Text(name: string) =
        use json = JsonDocument.Parse this.Body

        match json.RootElement.TryGetProperty name with
        | true, value -> value.ToString()
        | _ -> ""

    member this.Header(name: string) =
        match this.Headers.TryGetValue name with
        | true, value -> value
        | _ -> ""

/// The response of a broker: bytes as they go out; None closes the connection without any.
type BrokerScript = BrokerRequest -> Task<byte[] option>

let respondWith (status: int) (headers: (string * string) list) (body: string) =
    let content = Encoding.UTF8.GetBytes body

    let lines = [
        $"HTTP/1.1 {status} Status"
        $"Content-Length: {content.Length}"
        for name, value in headers do
            $"{name}: {value}"
        ""
        ""
    ]

    Some(Array.append (Encoding.ASCII.GetBytes(String.Join("\r\n", lines))) content)

let respond status body =
    respondWith status [ "Content-Type", "application/json" ] body

let urlJson (url: string) =
    $"""{{"url":{JsonSerializer.Serialize url}}}"""

/// A URL for the object that was asked for.
let presigned (server: LoopbackS3Server) (request: BrokerRequest) =
    server.Presign("PUT", request.Text "bucket", request.Text "key")

let grant (server: LoopbackS3Server) : BrokerScript =
    fun request -> Task.FromResult(respond 200 (urlJson (presigned server request)))

/// A broker that listens on loopback, or on a Unix socket.
type Broker(path: string option, script: BrokerScript) =
    let requests = ConcurrentQueue<BrokerRequest>()
    let stopping = new CancellationTokenSource()
    let mutable connections = 0

    let listener =
        match path with
        | Some path ->
            let socket =
                new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)

            socket.Bind(UnixDomainSocketEndPoint path)
            socket
        | None ->
            let socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
            socket.Bind(IPEndPoint(IPAddress.Loopback, 0))
            socket

    do listener.Listen 512

    let readRequest (reader: BinaryReader) =
        let line () =
            let text = StringBuilder()
            let mutable go = true

            while go do
                match reader.Read() with
                | -1 -> raise (EndOfStreamException())
                | 10 -> go <- false
                | 13 -> ()
                | c -> text.Append(char c) |> ignore

            text.ToString()

        let first = (line ()).Split ' '
        let headers = Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        let mutable next = line ()

        while next <> "" do
            let colon = next.IndexOf ':'
            headers[next.Substring(0, colon)] <- next.Substring(colon + 1).Trim()
            next <- line ()

        let length =
            match headers.TryGetValue "Content-Length" with
            | true, length -> int length
            | _ -> 0

        {
            Method = first[0]
            Path = first[1]
            Headers = headers
            Body = Encoding.UTF8.GetString(reader.ReadBytes length)
        }

    let serve (socket: Socket) : Task =
        Task.Run<unit>(fun () ->
            task {
                use stream = new NetworkStream(socket, true)
                use reader = new BinaryReader(stream, Encoding.Latin1)
                let mutable go = true

                try
                    while go do
                        let request = readRequest reader
                        requests.Enqueue request
                        let! response = (script request).WaitAsync stopping.Token

                        match response with
                        | Some bytes -> do! stream.WriteAsync(bytes, stopping.Token)
                        | None -> go <- false
                with
                | :? IOException
                | :? OperationCanceledException -> ()
            })

    let accepting =
        Task.Run<unit>(fun () ->
            task {
                try
                    while true do
                        let! socket = listener.AcceptAsync stopping.Token
                        Interlocked.Increment &connections |> ignore
                        serve socket |> ignore
                with
                | :? OperationCanceledException
                | :? SocketException
                | :? ObjectDisposedException -> ()
            })

    member _.Requests = List.ofSeq requests
    member _.Connections = connections

    member _.Url =
        match path with
        | Some path -> $"unix:{path}"
        | None -> $"http://{listener.LocalEndPoint}/v1/urls"

    interface IDisposable with
        member _.Dispose() =
            stopping.Cancel()
            listener.Dispose()
            accepting.Wait(TimeSpan.FromSeconds 5.) |> ignore

let broker script = new Broker(None, script)

/// Options of a sink that asks a broker, without waits between attempts.
let askingBroker (url: string) =
    PresignedS3ExportSinkOptions(
        BrokerUrl = url,
        CellId = cellId,
        Bucket = bucket,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 10.
    )

/// Options of a sink that asks a command.
let askingCommand (command: string list) =
    PresignedS3ExportSinkOptions(
        UrlCommand = command,
        CellId = cellId,
        Bucket = bucket,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 10.
    )

/// A command of a few lines of Python.
let python (script: string) = [ "python3"; "-u"; "-c"; script ]

/// Whether Python is there; without it these tests say nothing.
let needsPython () =
    linuxOnly ()

    if
        (Environment.GetEnvironmentVariable "PATH"
         |> Option.ofObj
         |> Option.defaultValue "")
            .Split
            ':'
        |> Array.forall (fun folder -> not (File.Exists(Path.Combine(folder, "python3"))))
    then
        Expecto.Tests.skiptest "needs python3"

/// The error of an action that has to fail.
let errorOf (action: unit -> unit) : exn =
    let outcome =
        try
            action ()
            None
        with error ->
            Some error

    Expecto.Expect.wantSome outcome "an error"
