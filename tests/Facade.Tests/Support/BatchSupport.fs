/// What the tests of batches share: many files, a gateway that signs, and ways to read an enumeration.
module Facade.Tests.BatchSupport

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Net
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support
open LoopbackS3

let template = $"http://gateway.example/{bucket}/{{cell_id}}/{{artifact_name}}"

let options attempts =
    PresignedS3ExportSinkOptions(
        PresignedUrl = template,
        CellId = cellId,
        Bucket = bucket,
        MaxAttempts = attempts,
        RetryBackoff = TimeSpan.Zero,
        RequestTimeout = TimeSpan.FromSeconds 30.
    )

/// The artifact that a request to the template is for.
let artifactOf (request: HttpRequestMessage) =
    let path = (nonNull request.RequestUri).AbsolutePath
    Uri.UnescapeDataString(path.Substring(path.IndexOf(cellId, StringComparison.Ordinal) + cellId.Length + 1))

/// Stands where a gateway would: signs each request for its own object, and sends it to the server.
type private Signing(server: LoopbackS3Server, options: PresignedS3ExportSinkOptions, onSend: unit -> unit) =
    inherit DelegatingHandler(PresignedS3ExportSink.CreateHandler options)

    member private _.Pass(request, cancellationToken) =
        base.SendAsync(request, cancellationToken)

    override this.SendAsync(request, cancellationToken) =
        task {
            onSend ()
            let asked = request.RequestUri
            request.RequestUri <- Uri(server.Presign("PUT", bucket, keyOf (artifactOf request)))

            try
                return! this.Pass(request, cancellationToken)
            finally
                // As it was, or the sink takes it for a redirect.
                request.RequestUri <- asked
        }

/// A sink through such a gateway, which tells of each request before it goes out.
let sinkTelling onSend (server: LoopbackS3Server) (options: PresignedS3ExportSinkOptions) =
    new PresignedS3ExportSink(
        options,
        new HttpMessageInvoker(new Signing(server, options, onSend)),
        TimeProvider.System,
        null,
        (fun () -> 0.5)
    )

let sinkThrough server options = sinkTelling ignore server options

/// A sink over a scripted handler that knows which artifact it is asked for.
let sinkOver (reply: string -> CancellationToken -> Task<HttpResponseMessage>) =
    scriptedSink (options 1) TimeProvider.System 0.5 (fun request cancellationToken ->
        task {
            let! _ = drain request
            return! reply (artifactOf request) cancellationToken
        })

let done' () =
    new HttpResponseMessage(HttpStatusCode.OK)

let pending () =
    TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)

/// Artifacts that all are the one file.
let artifactsOf (path: string) (count: int) = [ for i in 1..count -> ExportArtifact($"%05d{i}", path) ]

/// A file of each length.
let files (folder: Folder) (lengths: (string * int) list) = [
    for name, length in lengths ->
        ExportArtifact(name, folder.Write(name.Replace('/', '-'), patterned length))
]

let private thrownBy (work: unit -> Task<unit>) =
    task {
        try
            do! work ()
            return None
        with error ->
            return Some error
    }

/// Reads on as long as it is told to; gives what came, and the exception that the enumeration ended in.
let readWhile
    (token: CancellationToken)
    (onResult: ExportResult -> Task<bool>)
    (results: IAsyncEnumerable<ExportResult>)
    =
    task {
        let found = ResizeArray<ExportResult>()
        let each = results.GetAsyncEnumerator token

        let! error =
            thrownBy (fun () ->
                task {
                    let mutable go = true

                    while go do
                        let! more = each.MoveNextAsync()

                        if more then
                            found.Add each.Current
                            let! goOn = onResult each.Current
                            go <- goOn
                        else
                            go <- false
                })

        let! last = thrownBy (fun () -> task { do! each.DisposeAsync() })
        return List.ofSeq found, error |> Option.orElse last
    }

/// Reads all results of a batch that ends well.
let readAll (results: IAsyncEnumerable<ExportResult>) =
    task {
        let! found, error =
            readWhile CancellationToken.None (fun _ -> Task.FromResult true) results

        match error with
        | None -> ()
        | Some error -> failtest $"the enumeration ended in {error}"

        return found
    }

let namesOf (results: ExportResult list) =
    results |> List.map _.Artifact.Name |> List.sort

let receiptOf (result: ExportResult) =
    match result.Receipt with
    | null -> failtest $"no receipt: {result.ToJson()}"
    | receipt -> receipt

let failureIn (result: ExportResult) =
    match result.Failure with
    | null -> failtest $"no failure: {result.ToJson()}"
    | failure -> failure

/// Whether the server holds what the receipt says.
let isTrueAt (server: LoopbackS3Server) (receipt: ExportReceipt) =
    match server.Objects.TryGetValue(struct (bucket, keyOf receipt.ArtifactName)) with
    | true, stored -> stored.Sha256 = receipt.Sha256 && stored.Length = receipt.BytesWritten
    | _ -> false

/// Keeps all reports, in the order in which they came.
type Reports() =
    let seen = ConcurrentQueue<ExportProgress>()

    /// The reports of one artifact.
    member _.Of(artifact: string) =
        seen |> Seq.filter (fun report -> report.ArtifactName = artifact) |> List.ofSeq

    interface IProgress<ExportProgress> with
        member _.Report report = seen.Enqueue report

/// The law of progress, for the reports of one artifact of so many bytes.
let isLawful (length: int) (isStored: bool) (reports: ExportProgress list) =
    Expect.all reports (fun report -> report.Length = int64 length) "the length in each"

    let attempts = reports |> List.map _.Attempt
    Expect.equal attempts (List.sort attempts) "one attempt after the other"
    Expect.equal (List.distinct attempts) [ 1 .. (List.length (List.distinct attempts)) ] "each from 1 on"

    for attempt, reports in reports |> List.groupBy _.Attempt do
        let bytes = reports |> List.map _.BytesSent
        Expect.equal bytes[0] 0L $"attempt {attempt} starts at 0"

        Expect.all
            (List.pairwise bytes)
            (fun (before, after) -> before < after && after <= int64 length)
            $"attempt {attempt} grows"

        // One for each step, the first, and the last.
        Expect.isLessThanOrEqual
            bytes.Length
            (min 101 (length / 262_144 + 2))
            $"attempt {attempt} is throttled"

    if isStored then
        Expect.equal (List.last reports).BytesSent (int64 length) "the last is all of it"
