/// The two clients of these tests: HttpClient for what a client sees, a bare socket for what is on the wire.
module Client

open System
open System.Collections.Generic
open System.Net
open System.Net.Http
open System.Net.Sockets
open System.Text
open System.Threading.Tasks
open System.Xml.Linq
open LoopbackS3

let now = DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero)

let clock = {
    new TimeProvider() with
        override _.GetUtcNow() = now
}

let options =
    LoopbackS3Options(
        Buckets = [|
            Bucket "evidence"
            Bucket("locked", RequireContentMd5 = true)
            Bucket("versioned", Versioned = true)
        |],
        TimeProvider = clock
    )

let start () = LoopbackS3Server.StartAsync options

let http =
    new HttpClient(
        new SocketsHttpHandler(
            UseProxy = false,
            AllowAutoRedirect = false,
            Expect100ContinueTimeout = TimeSpan.FromSeconds 30.
        ),
        Timeout = TimeSpan.FromSeconds 30.
    )

/// A Uri that leaves the octets of the URL alone.
let exactly (url: string) =
    let options =
        UriCreationOptions(DangerousDisablePathAndQueryCanonicalization = true)

    Uri(url, &options)

let bytes (text: string) = Encoding.UTF8.GetBytes text

let patterned length =
    Array.init length (fun i -> byte (i * 31 + i / 251))

let hex (data: byte[]) = Convert.ToHexStringLower data

let request (verb: string) (url: string) (body: byte[] option) (headers: (string * string) list) =
    let message = new HttpRequestMessage(HttpMethod verb, exactly url)
    body |> Option.iter (fun data -> message.Content <- new ByteArrayContent(data))

    for name, value in headers do
        if not (message.Headers.TryAddWithoutValidation(name, value)) then
            message.Content
            |> Option.ofObj
            |> Option.iter (fun content -> content.Headers.TryAddWithoutValidation(name, value) |> ignore)

    message

type Reply = {
    Status: int
    Headers: IDictionary<string, string>
    Body: byte[]
} with

    member reply.Text = Encoding.UTF8.GetString reply.Body
    member reply.Xml = XElement.Parse reply.Text

    /// The text of an element of the error, or an empty one.
    member reply.Element(name: string) =
        match reply.Xml.Element(XName.Get name) with
        | null -> ""
        | element -> element.Value

    member reply.Code = reply.Element "Code"
    member reply.Header name = reply.Headers.TryGetValue name |> snd

let send (message: HttpRequestMessage) =
    task {
        use message = message
        use! response = http.SendAsync message
        let! body = response.Content.ReadAsByteArrayAsync()

        let headers =
            Seq.append response.Headers response.Content.Headers
            |> Seq.map (fun header -> KeyValuePair(header.Key, String.Join(",", header.Value)))

        return {
            Status = int response.StatusCode
            Headers = Dictionary(headers, StringComparer.OrdinalIgnoreCase)
            Body = body
        }
    }

let put (server: LoopbackS3Server) bucket key (body: byte[]) headers =
    send (request "PUT" (server.Presign("PUT", bucket, key)) (Some body) headers)

/// The error that a request ended in.
let failure (work: unit -> Task<Reply>) : Task<exn> =
    task {
        try
            let! reply = work ()
            return failwithf "a reply, %d, where none was expected" reply.Status
        with :? HttpRequestException as e ->
            return e
    }

type Ending =
    | Fin
    | Rst

/// A connection of its own, one octet after the other as the test says.
type Wire(server: LoopbackS3Server) =
    let socket =
        new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

    do socket.ReceiveTimeout <- 20_000
    do socket.Connect(IPEndPoint(IPAddress.Loopback, server.Endpoint.Port))

    member _.Send(data: byte[]) = socket.Send data |> ignore

    member wire.Head(verb: string, url: string, headers: string list) =
        let target = url.Substring(server.Endpoint.GetLeftPart(UriPartial.Authority).Length)

        let lines =
            $"{verb} {target} HTTP/1.1" :: $"Host: {server.Endpoint.Authority}" :: headers

        wire.Send(bytes (String.Join("\r\n", lines) + "\r\n\r\n"))

    /// One read: what has come, or an empty text at the end.
    member _.Receive() =
        let buffer: byte[] = Array.zeroCreate 65536
        let count = socket.Receive buffer
        Encoding.Latin1.GetString(buffer, 0, count)

    /// Everything up to the end, and which end it was.
    member wire.Rest() =
        let text = StringBuilder()

        let rec read () =
            match wire.Receive() with
            | "" -> Fin
            | more ->
                text.Append more |> ignore
                read ()

        let ending =
            try
                read ()
            with :? SocketException as e when e.SocketErrorCode = SocketError.ConnectionReset ->
                Rst

        string text, ending

    interface IDisposable with
        member _.Dispose() = socket.Dispose()

/// Waits for what another thread is about to do.
let eventually (condition: unit -> bool) =
    task {
        let deadline = DateTime.UtcNow.AddSeconds 20.

        while not (condition ()) && DateTime.UtcNow < deadline do
            do! Task.Delay 5

        return condition ()
    }
