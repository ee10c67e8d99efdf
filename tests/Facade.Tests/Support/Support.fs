/// What the tests of the facade share: files, sinks, servers, and ways to see what came of a push.
module Facade.Tests.Support

open System
open System.Collections.Concurrent
open System.IO
open System.Net.Http
open System.Runtime.InteropServices
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open LoopbackS3
open Microsoft.Extensions.Logging

let bucket = "evidence"
let cellId = "cell-7"

/// A folder of a test's own, gone when the test is.
type Folder() =
    let path = Directory.CreateTempSubdirectory("cellos-export-").FullName
    member _.Path = path
    member _.At(name: string) = Path.Combine(path, name)

    member this.Write(name: string, bytes: byte[]) =
        File.WriteAllBytes(this.At name, bytes)
        this.At name

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

/// For what only Linux has, or what this library does there only.
let linuxOnly () =
    if not (OperatingSystem.IsLinux()) then
        skiptest "needs Linux"

[<DllImport("libc", EntryPoint = "mkfifo", SetLastError = true)>]
extern int private makePipe(string path, uint32 mode)

/// Makes a pipe that nobody writes to.
let pipe (path: string) =
    Expect.equal (makePipe (path, 0o600u)) 0 "mkfifo"

let patterned length =
    Array.init length (fun i -> byte (i * 31 + i / 251))

let sha256 (bytes: byte[]) =
    Convert.ToHexStringLower(SHA256.HashData bytes)

let md5 (bytes: byte[]) =
    Convert.ToHexStringLower(MD5.HashData bytes)

/// Options with no wait between attempts, and a request timeout that a test can afford.
let optionsFor (url: string) =
    PresignedS3ExportSinkOptions(
        PresignedUrl = url,
        CellId = cellId,
        Bucket = bucket,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 10.
    )

let sinkFor (url: string) =
    new PresignedS3ExportSink(optionsFor url)

/// The same for a URL of another object than its artifact's, as a gateway that rewrites paths has it.
let rewritingSinkFor (url: string) =
    new PresignedS3ExportSink(
        PresignedS3ExportSinkOptions(
            PresignedUrl = url,
            CellId = cellId,
            Bucket = bucket,
            RetryBackoff = TimeSpan.Zero,
            RequestTimeout = TimeSpan.FromSeconds 10.,
            KeyCheck = false
        )
    )

let keyOf (artifact: string) = $"{cellId}/{artifact}"

/// A server, a file, and an exact URL for it.
type Scene(server: LoopbackS3Server, artifact: string, content: byte[]) =
    let folder = new Folder()
    let path = folder.Write("artifact", content)
    member _.Server = server
    member _.Folder = folder
    member _.Path = path
    member _.Artifact = artifact
    member _.Content = content
    member _.Key = keyOf artifact
    member this.Url = server.Presign("PUT", bucket, this.Key)

    member this.Stored =
        match server.Objects.TryGetValue(struct (bucket, this.Key)) with
        | true, stored -> Some stored
        | _ -> None

    /// The PUTs that the server saw for this artifact.
    member this.Puts =
        server.Requests |> Seq.filter (fun r -> r.Key = this.Key) |> List.ofSeq

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            (folder :> IDisposable).Dispose()
            server.DisposeAsync()

let sceneWith (options: LoopbackS3Options) artifact content =
    task {
        let! server = LoopbackS3Server.StartAsync options
        return new Scene(server, artifact, content)
    }

let scene artifact content =
    sceneWith (LoopbackS3Options()) artifact content

/// The failure that a push ends in.
let failureOf (push: unit -> Task<ExportReceipt>) : Task<ExportException> =
    task {
        let! outcome =
            task {
                try
                    let! receipt = push ()
                    return Choice1Of2 receipt
                with :? ExportException as failure ->
                    return Choice2Of2 failure
            }

        return
            match outcome with
            | Choice1Of2 receipt -> failtest $"a receipt where a failure was expected: {receipt.ToJson()}"
            | Choice2Of2 failure -> failure
    }

/// Waits for what another thread is about to do; a test fails that waits in vain.
let waitFor (what: string) (condition: unit -> bool) =
    task {
        let patience = Diagnostics.Stopwatch.StartNew()

        while not (condition ()) do
            if patience.Elapsed > TimeSpan.FromSeconds 20. then
                failtest $"waited in vain for {what}"

            do! Task.Delay 5
    }

/// What every true receipt says of its bytes.
let isTrueOf (scene: Scene) (receipt: ExportReceipt) =
    Expect.equal receipt.Destination $"s3://{bucket}/{scene.Key}" "the logical address"
    Expect.equal receipt.BytesWritten scene.Content.LongLength "the number of bytes"
    Expect.equal receipt.Sha256 (sha256 scene.Content) "SHA-256"
    Expect.equal receipt.ArtifactName scene.Artifact "the artifact"
    Expect.equal receipt.CellId cellId "the cell"

    let stored = Expect.wantSome scene.Stored "an object"
    Expect.equal stored.Sha256 receipt.Sha256 "the object is what the receipt says"
    Expect.equal stored.Length receipt.BytesWritten "the object is as long as the receipt says"

/// Keeps all that is logged, with the exceptions and their inner ones.
type LogBook() =
    let lines = ConcurrentQueue<string>()
    member _.Lines = List.ofSeq lines

    interface ILogger<PresignedS3ExportSink> with
        member _.BeginScope _ = null
        member _.IsEnabled _ = true

        member _.Log(level, eventId, state, error, format) =
            lines.Enqueue $"{level} {eventId} {format.Invoke(state, error)} {state} {error}"

/// A handler that does what a test says.
type Scripted(reply: HttpRequestMessage -> CancellationToken -> Task<HttpResponseMessage>) =
    inherit HttpMessageHandler()
    override _.SendAsync(request, cancellationToken) = reply request cancellationToken

/// Reads the body to its end, as a server would.
let drain (request: HttpRequestMessage) =
    task {
        use body = new MemoryStream()

        match request.Content with
        | null -> ()
        | content -> do! content.CopyToAsync body

        return body.ToArray()
    }

/// A sink over a scripted handler, on a clock and with dice of the test's own.
let scriptedSink (options: PresignedS3ExportSinkOptions) (time: TimeProvider) (roll: float) reply =
    new PresignedS3ExportSink(
        options,
        new HttpMessageInvoker(new Scripted(reply)),
        time,
        null,
        (fun () -> roll)
    )

/// Moves the clock along the waits on it, until the task ends.
let runOn (time: FakeTime) (task: Task) =
    Task.Run<unit>(fun () ->
        Threading.Tasks.Task.FromResult(
            while not task.IsCompleted do
                if not (time.AdvanceToEndOfWait()) then
                    Thread.Sleep 1
        ))

/// The other end of a body that is being sent.
type ReceivingStream(take: ReadOnlyMemory<byte> -> CancellationToken -> Task) =
    inherit Stream()
    override _.CanRead = false
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

    override _.Write(buffer: byte[], offset: int, count: int) =
        (take (ReadOnlyMemory(buffer, offset, count)) CancellationToken.None).GetAwaiter().GetResult()

    override _.WriteAsync(bytes: ReadOnlyMemory<byte>, cancellationToken: CancellationToken) =
        ValueTask(take bytes cancellationToken)
