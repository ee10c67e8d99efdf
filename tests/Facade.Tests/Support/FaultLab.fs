/// The bench of the fault lab: servers that misbehave in one way that has a name, and pushes against them, each held
/// against the laws.
module Facade.Tests.FaultLab

open System
open System.Net
open System.Net.Security
open System.Net.Sockets
open System.Security.Cryptography
open System.Text
open System.Text.RegularExpressions
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Facade.Tests.FaultLaws
open Facade.Tests.Support
open LoopbackS3
open Microsoft.Extensions.Logging

let private artifact = "a"
let private key = keyOf artifact
let private here = LoopbackS3Options()

// Servers on raw sockets.

let private digits =
    Regex("^HTTP/1\.[01] ([2-9][0-9][0-9])", RegexOptions.CultureInvariant)

/// The final status in what a server sent: interim answers come before it (RFC 9110, 15.2).
let rec private finalStatus (text: string) =
    match digits.Match text with
    | found when found.Success -> Some(int found.Groups[1].Value)
    | _ when text.StartsWith("HTTP/1.1 1", StringComparison.Ordinal) ->
        match text.IndexOf("\r\n\r\n", StringComparison.Ordinal) with
        | -1 -> None
        | at -> finalStatus (text.Substring(at + 4))
    | _ -> None

/// One request on a raw socket: each step is told by the row, and noted for the account.
type Exchange(connection: Connection, head: string, left: Task) =
    let sha256 = IncrementalHash.CreateHash HashAlgorithmName.SHA256
    let md5 = IncrementalHash.CreateHash HashAlgorithmName.MD5
    let said = StringBuilder()

    let length =
        match Regex.Match(head, "\r\nContent-Length: ([0-9]+)\r\n") with
        | found when found.Success -> int64 found.Groups[1].Value
        | _ -> 0L

    let mutable seen = {
        BodyBytes = 0L
        BodySha256 = None
        Status = None
        IsAfterBody = false
    }

    let hex (hash: IncrementalHash) =
        Convert.ToHexStringLower(hash.GetCurrentHash())

    let look () =
        if seen.BodyBytes = length then
            seen <- {
                seen with
                    BodySha256 = Some(hex sha256)
            }

    do look ()
    member _.Seen = seen
    member _.Head = head
    member _.Length = length
    member val Stores = false with get, set
    /// Whether there is nothing more to expect of this connection.
    member val IsOver = false with get, set
    member _.ETag = $"\"{hex md5}\""

    /// Reads so much of the body, or up to its end, or until the client leaves.
    member _.Read(count: int64) =
        task {
            let buffer = Array.zeroCreate<byte> 65536
            let mutable left = min count (length - seen.BodyBytes)

            while left > 0L do
                let! read = connection.Receive(buffer.AsMemory(0, int (min left 65536L)))
                sha256.AppendData(buffer, 0, read)
                md5.AppendData(buffer, 0, read)
                left <- if read = 0 then 0L else left - int64 read

                seen <- {
                    seen with
                        BodyBytes = seen.BodyBytes + int64 read
                }

                look ()
        }

    member this.ReadAll() = this.Read length

    member _.SendBytes(bytes: byte[]) =
        task {
            // Noted before it is sent, so that whoever has the answer also finds it in the account.
            if seen.Status.IsNone then
                said.Append(Encoding.Latin1.GetString bytes) |> ignore

                match finalStatus (string said) with
                | Some status ->
                    seen <- {
                        seen with
                            Status = Some status
                            IsAfterBody = seen.BodySha256.IsSome
                    }
                | None -> ()

            do! connection.SendBytes bytes
        }

    member this.Send(text: string) : Task<unit> =
        this.SendBytes(Encoding.Latin1.GetBytes text)

    /// Takes the body to be the object, if all of it is there.
    member this.Store() = this.Stores <- seen.BodySha256.IsSome

    member this.Reset() =
        this.IsOver <- true
        connection.Reset()

    member this.Close() =
        this.IsOver <- true
        connection.Close()

    /// A FIN, and nothing is read any more; the connection stays until the test ends.
    member this.FinishAndHold() =
        this.IsOver <- true
        connection.Finish()
        left

    /// Nothing is read or sent any more; the connection stays until the test ends.
    member this.Hold() =
        this.IsOver <- true
        left

    /// Reads what comes until the client leaves, and says nothing.
    member this.Listen() =
        task {
            do! this.ReadAll()
            this.IsOver <- true
            do! connection.Read Int64.MaxValue
        }

    interface IDisposable with
        member _.Dispose() =
            sha256.Dispose()
            md5.Dispose()

let continue' = "HTTP/1.1 100 Continue\r\n\r\n"

/// Gives leave to send the body where that is asked for.
let giveLeave (exchange: Exchange) : Task =
    task {
        if exchange.Head.Contains "\r\nExpect: 100-continue\r\n" then
            do! exchange.Send continue'
    }

/// The answer to an upload that has been stored.
let ok (exchange: Exchange) =
    $"HTTP/1.1 200 OK\r\nETag: {exchange.ETag}\r\nx-amz-request-id: R1\r\nContent-Length: 0\r\n\r\n"

let takeWhole (exchange: Exchange) : Task =
    task {
        do! giveLeave exchange
        do! exchange.ReadAll()
    }

/// What a server does that is in its right mind.
let healthy (exchange: Exchange) : Task =
    task {
        do! takeWhole exchange
        exchange.Store()
        do! exchange.Send(ok exchange)
    }

// Benches: a server with a fault, ready for pushes.

type Bench = {
    Url: string
    Account: unit -> Account
    /// Does whatever makes the next attempt a good one, where the server cannot tell by itself.
    Heal: unit -> unit
    /// Certificates of authorities to trust, in PEM.
    CaBundle: string option
    Close: unit -> Task
}

/// Makes a bench whose fault strikes so many requests, and only those.
type Server = int -> Task<Bench>

let forever = Int32.MaxValue
let private isForever times = times = forever

let private presigned (endpoint: string) =
    Presigner.Presign(
        "PUT",
        Uri endpoint,
        bucket,
        key,
        here.AccessKey,
        here.SecretKey,
        here.Region,
        DateTimeOffset.UtcNow,
        TimeSpan.FromHours 1.
    )

/// A LoopbackS3 with a fault.
let s3With (options: LoopbackS3Options) (fault: Fault) : Server =
    fun times ->
        task {
            let! server = LoopbackS3Server.StartAsync options

            if isForever times then
                server.MisbehaveAlways(bucket, key, fault)
            else
                server.Misbehave(bucket, key, Array.replicate times fault)

            return {
                Url = server.Presign("PUT", bucket, key)
                Account = fun () -> accountOf server key
                Heal = ignore
                CaBundle = None
                Close = fun () -> server.DisposeAsync().AsTask()
            }
        }

let s3 (fault: Fault) : Server = s3With (LoopbackS3Options()) fault

/// Serves requests on raw sockets: the first ones as the row says, the others well.
type private Stand(fault: Exchange -> Task, times: int, tls, bound) =
    let gate = obj ()
    let exchanges = ResizeArray<Exchange>()
    let ended = TaskCompletionSource()

    let next connection head =
        lock gate (fun () ->
            let exchange = new Exchange(connection, head, ended.Task)
            exchanges.Add exchange
            exchange, exchanges.Count)

    let serve _ (connection: Connection) : Task =
        task {
            let mutable go = true

            while go do
                let! head = connection.ReadHead()

                if head = "" then
                    go <- false
                else
                    // Half a head counts as a request, too: the client has begun one.
                    let exchange, number = next connection head
                    do! if number <= times then fault exchange else healthy exchange
                    go <- not exchange.IsOver && exchange.Seen.BodySha256.IsSome

            connection.Close()
        }

    let server = new RawServer(serve, ?tls = tls, ?bound = bound)

    member _.Server = server

    member _.Account = {
        Requests = lock gate (fun () -> [ for exchange in exchanges -> exchange.Seen ])
        Connections = server.Connections
        Stores = lock gate (fun () -> exchanges |> Seq.filter _.Stores |> Seq.length)
        Held = lock gate (fun () -> exchanges |> Seq.tryFindBack _.Stores |> Option.bind _.Seen.BodySha256)
        Elsewhere = 0
    }

    member _.Close() : Task =
        task {
            (server :> IDisposable).Dispose()
            ended.TrySetResult() |> ignore
            lock gate (fun () -> exchanges |> Seq.iter (fun exchange -> (exchange :> IDisposable).Dispose()))
        }

/// A server on raw sockets.
let raw (fault: Exchange -> Task) : Server =
    fun times ->
        task {
            let stand = Stand(fault, times, None, None)

            return {
                Url = presigned (stand.Server.Url "")
                Account = fun () -> stand.Account
                Heal = ignore
                CaBundle = None
                Close = stand.Close
            }
        }

/// The same within TLS, with authorities to trust.
let rawTlsWith (options: SslServerAuthenticationOptions) (caBundle: string option) fault : Server =
    fun times ->
        task {
            let stand = Stand(fault, times, Some options, None)

            return {
                Url = presigned $"https://127.0.0.1:{stand.Server.Port}"
                Account = fun () -> stand.Account
                Heal = ignore
                CaBundle = caBundle
                Close = stand.Close
            }
        }

/// The same, trusted.
let rawTls (fault: Exchange -> Task) : Server =
    fun times ->
        task {
            use root = Certificates.authority "Fault Lab"

            let certificate =
                Certificates.issue root "127.0.0.1" (DateTimeOffset.UtcNow.AddDays 10.)

            let options = SslServerAuthenticationOptions(ServerCertificate = certificate)

            let! bench = rawTlsWith options (Some(root.ExportCertificatePem())) fault times

            return {
                bench with
                    Close =
                        fun () ->
                            task {
                                do! bench.Close()
                                certificate.Dispose()
                            }
            }
        }

/// A port that nobody listens on, until it is healed.
let refusing: Server =
    fun times ->
        task {
            let stand = Stand(healthy, 0, None, Some(RawServer.Bind()))

            return {
                Url = presigned (stand.Server.Url "")
                Account = fun () -> stand.Account
                Heal = if isForever times then ignore else stand.Server.Listen
                CaBundle = None
                Close = stand.Close
            }
        }

/// A full backlog: the kernel leaves further connections unanswered, until it is healed.
let overrun: Server =
    fun times ->
        task {
            let! full = FullBacklog.Make()
            let stand = Stand(healthy, 0, None, Some full.Socket)

            return {
                Url = presigned (stand.Server.Url "")
                Account =
                    fun () ->
                        let account = stand.Account

                        {
                            account with
                                Connections = max 0 (account.Connections - full.Taken)
                        }
                Heal =
                    fun () ->
                        if not (isForever times) then
                            full.Drain()
                            stand.Server.Listen()
                CaBundle = None
                Close =
                    fun () ->
                        (full :> IDisposable).Dispose()
                        stand.Close()
            }
        }

/// A host that is not there.
let unresolvable: Server =
    fun _ ->
        task {
            return {
                Url = presigned "http://no-such-host.invalid"
                Account =
                    fun () -> {
                        Requests = []
                        Connections = 0
                        Stores = 0
                        Held = None
                        Elsewhere = 0
                    }
                Heal = ignore
                CaBundle = None
                Close = fun () -> Task.CompletedTask
            }
        }

/// A server that points to another one.
let redirecting (fault: Uri -> Server) : Server =
    fun times ->
        task {
            let other = new RawServer(fun _ connection -> connection.Read Int64.MaxValue)
            let! bench = fault (Uri(other.Url $"/{bucket}/{key}")) times

            return {
                bench with
                    Account =
                        fun () -> {
                            bench.Account() with
                                Elsewhere = other.Connections
                        }
                    Close =
                        fun () ->
                            (other :> IDisposable).Dispose()
                            bench.Close()
            }
        }

// Pushes against a bench.

/// A sink in front of a bench, on a clock: each push is held against the laws, with what the server saw of it alone.
type Lab(setup: Setup, bench: Bench, time: TimeProvider) =
    let folder = new Folder()
    let lines = Collections.Concurrent.ConcurrentQueue<string>()
    let heal = lazy (bench.Heal())
    let mutable failed = 0

    let log = {
        new ILogger<PresignedS3ExportSink> with
            member _.BeginScope _ = null
            member _.IsEnabled _ = true

            member _.Log(level, _, state, error, format) =
                lines.Enqueue $"{format.Invoke(state, error)} {error}"

                // An attempt has failed.
                if level = LogLevel.Warning then
                    heal.Force()
                    Interlocked.Increment &failed |> ignore
    }

    let caBundle: string | null =
        match bench.CaBundle with
        | Some pem -> folder.Write("ca.pem", Encoding.UTF8.GetBytes pem)
        | None -> null

    let sink =
        new PresignedS3ExportSink(optionsOf setup bench.Url null caBundle, time, log)

    /// How many attempts have failed, as far as the log tells.
    member _.Failed = Volatile.Read &failed

    member _.Account = bench.Account()

    /// How it ended, and the account of it, which may grow for a moment: a server may store what it got after the
    /// client has gone.
    member _.Push(content: byte[]) =
        task {
            let before = bench.Account()
            let path = folder.Write(artifact, content)

            let! run =
                timed (fun () -> List.ofSeq lines) (fun () -> sink.PushAsync(artifact, path))

            let account () = bench.Account() |> since before
            obeysTheLaws setup bench.Url key content (account ()) run
            return run.Outcome, account
        }

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            ValueTask(
                task {
                    sink.Dispose()
                    (folder :> IDisposable).Dispose()
                    do! bench.Close()
                }
                :> Task
            )

let labOn (time: TimeProvider) (setup: Setup) (server: Server) (times: int) =
    task {
        let! bench = server times
        return new Lab(setup, bench, time)
    }

let labFor (setup: Setup) (server: Server) (times: int) =
    labOn TimeProvider.System setup server times
