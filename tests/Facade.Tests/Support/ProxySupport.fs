/// What the tests of proxies share: a proxy of the tests' own, TLS in front of a server, and sinks that go through.
module Facade.Tests.ProxySupport

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Authentication
open System.Security.Cryptography
open System.Security.Cryptography.X509Certificates
open System.Text
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

let user = "pr0xyuser"

/// All that has a meaning in a URL, and a letter beyond ASCII.
let password = "p5ecret@:%/?#ü"

let credentials = $"{Uri.EscapeDataString user}:{Uri.EscapeDataString password}"

let basic (user: string) (password: string) =
    "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes $"{user}:{password}")

/// The spellings in which a proxy's credentials could leak.
let private secrets = [
    user
    password
    Uri.EscapeDataString password
    "p5ecret"
    (basic user password).Substring 6
]

let hidesCredentials (text: string) =
    for secret in secrets do
        Expect.isFalse (text.Contains(secret, StringComparison.OrdinalIgnoreCase)) $"'{secret}' in: {text}"

/// A port that is taken, and on which nothing listens.
type DeadPort() =
    let socket =
        new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

    do socket.Bind(IPEndPoint(IPAddress.Loopback, 0))
    member _.Port = (nonNull socket.LocalEndPoint :?> IPEndPoint).Port

    interface IDisposable with
        member _.Dispose() = socket.Dispose()

/// What a proxy does with a request.
type Answer =
    /// Says this and waits for the next request.
    | Say of string
    /// Says this and hangs up.
    | Last of string
    /// Hangs up without a word.
    | HangUp
    /// Says nothing until the client goes.
    | Silence
    /// Lets it through.
    | Forward

let refusal (status: int) =
    $"HTTP/1.1 {status} Reason\r\nContent-Length: 0\r\n\r\n"

let challenge =
    "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"proxy\"\r\nContent-Length: 0\r\n\r\n"

/// The value of a header in the head of a request.
let header (name: string) (head: string) =
    head.Split "\r\n"
    |> Array.tryFind (fun line -> line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))
    |> Option.map (fun line -> line.Substring(name.Length + 2))


let private connectTo (host: string) (port: int) =
    task {
        let client = new TcpClient()
        do! client.ConnectAsync(host, port)
        return client
    }

/// Copies both ways until both ends have nothing more to say.
let private relay (one: Stream) (other: Stream) (otherSocket: Socket) (oneEnds: unit -> unit) =
    task {
        let copy (from: Stream) (into: Stream) (after: unit -> unit) =
            task {
                try
                    do! from.CopyToAsync into
                with
                | :? IOException
                | :? ObjectDisposedException ->
                    // One end has gone: the other is told by the end of the copy.
                    ()

                try
                    after ()
                with
                | :? SocketException
                | :? ObjectDisposedException -> ()
            }

        let! _ =
            Task.WhenAll(
                copy one other (fun () -> otherSocket.Shutdown SocketShutdown.Send),
                copy other one oneEnds
            )

        return ()
    }

/// A proxy that forwards requests and opens tunnels, or answers as the test says.
type TestProxy(answer: int -> string -> Answer) =
    let heads = ConcurrentQueue<string>()
    let mutable body = 0L

    let pass (connection: Connection) (head: string) =
        task {
            let line = (Array.head (head.Split "\r\n")).Split ' '
            let near = connection.Stream

            if line[0] = "CONNECT" then
                let at = line[1].LastIndexOf ':'
                use! far = connectTo (line[1].Substring(0, at)) (int (line[1].Substring(at + 1)))
                do! connection.Send "HTTP/1.1 200 Connection established\r\n\r\n"
                do! relay near (far.GetStream()) far.Client connection.Close
            else
                let url = Uri line[1]
                use! far = connectTo url.IdnHost url.Port

                let lines = [
                    yield $"{line[0]} {url.PathAndQuery} HTTP/1.1"

                    for line in Array.skip 1 (head.Split "\r\n") do
                        if
                            line <> ""
                            && not (line.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase))
                        then
                            yield line

                    // One request a connection is enough for a test.
                    yield "Connection: close"
                    yield "\r\n"
                ]

                do! far.GetStream().WriteAsync(Encoding.Latin1.GetBytes(String.Join("\r\n", lines)))
                do! relay near (far.GetStream()) far.Client connection.Close
        }

    let forward (connection: Connection) (head: string) =
        task {
            try
                do! pass connection head
            with :? SocketException ->
                do! connection.Send((refusal 502).Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))
                connection.Close()
        }

    let serve (connection: Connection) =
        task {
            let mutable go = true

            while go do
                let! head = connection.ReadHead()

                if head = "" then
                    go <- false
                else
                    heads.Enqueue head

                    match answer heads.Count head with
                    | Forward ->
                        do! forward connection head
                        go <- false
                    | HangUp ->
                        connection.Close()
                        go <- false
                    | Silence -> do! connection.Read Int64.MaxValue
                    | Last text ->
                        do! connection.Send text
                        connection.Close()
                        go <- false
                    | Say text ->
                        match header "Expect" head, header "Content-Length" head with
                        | None, Some length ->
                            do! connection.Read(int64 length)
                            body <- body + int64 length
                        | _ -> ()

                        do! connection.Send text
        }

    let server = new RawServer(fun _ connection -> serve connection)

    /// The heads of all requests, in the order of their arrival.
    member _.Heads = List.ofSeq heads
    member _.Connections = server.Connections
    member _.Port = server.Port
    member _.Authority = $"127.0.0.1:{server.Port}"

    /// Bytes of bodies that it read itself.
    member _.BodyBytes = body

    interface IDisposable with
        member _.Dispose() = (server :> IDisposable).Dispose()

let forwarding () = new TestProxy(fun _ _ -> Forward)

/// A proxy that wants credentials with each request and each tunnel.
let guarded () =
    new TestProxy(fun _ head ->
        if header "Proxy-Authorization" head = Some(basic user password) then
            Forward
        else
            Say challenge)

let private selfSigned (host: string) =
    // A key for RSA would take longer to make than all the rest of a test.
    use key = ECDsa.Create ECCurve.NamedCurves.nistP256

    let request =
        CertificateRequest($"CN={host} {Guid.NewGuid()}", key, HashAlgorithmName.SHA256)

    let names = SubjectAlternativeNameBuilder()
    names.AddDnsName host
    request.CertificateExtensions.Add(names.Build())
    request.CertificateExtensions.Add(X509BasicConstraintsExtension(true, false, 0, true))

    use certificate =
        request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays -1., DateTimeOffset.UtcNow.AddDays 30.)

    X509CertificateLoader.LoadPkcs12(certificate.Export X509ContentType.Pfx, null)

/// TLS in front of a port on loopback, under the name `localhost`.
type TlsFront(port: int) =
    let certificate = selfSigned "localhost"
    let folder = new Folder()

    let bundle =
        folder.Write("ca.pem", Encoding.ASCII.GetBytes(certificate.ExportCertificatePem()))

    let server =
        new RawServer(fun _ connection ->
            task {
                try
                    use tls = new SslStream(connection.Stream)
                    do! tls.AuthenticateAsServerAsync certificate
                    use! far = connectTo "127.0.0.1" port

                    do!
                        relay tls (far.GetStream()) far.Client (fun () ->
                            tls.ShutdownAsync().GetAwaiter().GetResult()
                            connection.Close())
                with
                | :? IOException
                | :? AuthenticationException ->
                    // The client has gone, or does not trust this server: what the test looks at is the client.
                    ()
            })

    member _.Port = server.Port

    /// The PEM file that makes it trusted.
    member _.Bundle = bundle

    interface IDisposable with
        member _.Dispose() =
            (server :> IDisposable).Dispose()
            (folder :> IDisposable).Dispose()
            certificate.Dispose()

/// A small S3, reached by `http` and by `https`, and a file for it.
type Lab(server: LoopbackS3Server, content: byte[]) =
    let folder = new Folder()
    let path = folder.Write("artifact", content)
    let tls = new TlsFront(server.Endpoint.Port)

    let template (endpoint: string) =
        $"{endpoint}/my-cellos-evidence/{{cell_id}}/{{artifact_name}}?X-Amz-Signature=51gn4tur3"

    member _.Server = server
    member _.Content = content
    member _.Path = path

    /// Host and port as the proxy hears them.
    member _.Origin(scheme: string) =
        if scheme = "https" then
            $"localhost:{tls.Port}"
        else
            $"127.0.0.1:{server.Endpoint.Port}"

    member _.Bundle = tls.Bundle

    /// The variables of the seed's target, and those of a test.
    member this.Variables (scheme: string) (more: (string * string) list) =
        [
            "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET", template $"{scheme}://{this.Origin scheme}"
            "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ARTIFACT_BUCKET", "0"
            "CELLOS_EXPORT_S3_TIMEOUT_MS", "10000"
            "CELLOS_CA_BUNDLE", tls.Bundle
        ]
        @ more

    member this.Stored =
        match server.Objects.TryGetValue(struct ("my-cellos-evidence", keyOf "a")) with
        | true, stored -> Some stored
        | _ -> None

    /// Pushes the file; gives the receipt or the failure, and looks for secrets in all that was told.
    member this.Push (scheme: string) (more: (string * string) list) =
        task {
            let book = LogBook()

            use sinks =
                S3ExportSinks.Create(
                    S3ExportSpec.Parse seedSpec,
                    cellId,
                    environment (this.Variables scheme more),
                    TimeProvider.System,
                    {
                        new Microsoft.Extensions.Logging.ILoggerFactory with
                            member _.AddProvider _ = ()
                            member _.CreateLogger _ = book
                            member _.Dispose() = ()
                    }
                )

            let! outcome =
                task {
                    try
                        let! receipt = sinks["artifact-bucket"].PushAsync("a", path)
                        hidesCredentials (receipt.ToJson())
                        return Ok receipt
                    with :? ExportException as failure ->
                        hidesCredentials (failure.ToString())
                        hidesCredentials (failure.ToJson())
                        return Error failure
                }

            book.Lines |> List.iter hidesCredentials
            return outcome
        }

    /// The receipt of a push, which is true, and the one request that the server saw.
    member this.Exported scheme more =
        task {
            let! outcome = this.Push scheme more
            let receipt: ExportReceipt = Expect.wantOk outcome "a receipt"
            Expect.equal receipt.Sha256 (sha256 content) "SHA-256 of the receipt"
            let stored = Expect.wantSome this.Stored "an object"
            Expect.equal stored.Sha256 receipt.Sha256 "the object is what the receipt says"

            for request in server.Requests do
                for name in request.Headers.Keys do
                    Expect.isFalse
                        (name.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase))
                        $"{name} at the server"

            return receipt
        }

    /// The failure of a push, of which nothing reached the server.
    member this.Failed scheme more =
        task {
            let! outcome = this.Push scheme more
            let failure: ExportException = Expect.wantError outcome "a failure"
            Expect.isNone this.Stored "nothing stored"
            Expect.isEmpty server.Requests "the server saw nothing"
            Expect.isFalse failure.MayBeStored "certainly not"
            return failure
        }

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            (tls :> IDisposable).Dispose()
            (folder :> IDisposable).Dispose()
            server.DisposeAsync()

let labWith content =
    task {
        let! server = gateway ()
        return new Lab(server, content)
    }

let lab () = labWith (patterned 3000)

let private variableFor (scheme: string) = scheme.ToUpperInvariant() + "_PROXY"

/// The variable that sends a scheme through a proxy.
let through (scheme: string) (proxy: TestProxy) = [ variableFor scheme, $"http://{proxy.Authority}" ]

/// The same, with user name and password.
let throughAs (scheme: string) (credentials: string) (proxy: TestProxy) = [
    variableFor scheme, $"http://{credentials}@{proxy.Authority}"
]
