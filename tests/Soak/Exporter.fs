/// The export: three sinks, 16 artifacts at a time among them, and a note of each result.
module Soak.Exporter

open System
open System.Collections.Generic
open System.IO
open System.Net.Http
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Soak.Plan
open Soak.Sources
open Soak.Store

/// How many artifacts are under way at once.
let concurrency = 16

/// In each push, all tries.
let maxAttempts = 3

/// What came of an artifact. Small, and made before the run, so that the test's own memory does not grow with it.
[<Struct>]
type Note = {
    mutable Results: int
    mutable IsExported: bool
    mutable Attempts: int
    mutable MayBeStored: bool
    mutable Kind: ExportFailureKind
    mutable Integrity: string
    mutable IsWarned: bool
    /// What in a receipt is not as it should be.
    mutable Untrue: string
}

let emptyNotes count =
    Array.init count (fun _ -> {
        Results = 0
        IsExported = false
        Attempts = 0
        MayBeStored = false
        Kind = ExportFailureKind.Internal
        Integrity = ""
        IsWarned = false
        Untrue = ""
    })

let private untrueIn (item: Item) (receipt: ExportReceipt) =
    match item.Source with
    | Whole content ->
        let isMd5True =
            match receipt.Md5 with
            | null -> false
            | md5 -> md5 = content.Md5

        String.concat ", " [
            if receipt.Sha256 <> content.Sha256 then
                "its SHA-256"
            if not isMd5True then
                "its MD5"
            if receipt.BytesWritten <> content.Length then
                "its length"
            if receipt.ArtifactName <> item.Name then
                "its artifact"
            if receipt.Destination <> $"s3://%s{bucket}/%s{item.Key}" then
                "its destination"
        ]
    | _ -> "that there is one"

let private note (notes: Note[]) (item: Item) (result: ExportResult) =
    let note = &notes[item.Index]
    note.Results <- note.Results + 1

    match result.Receipt, result.Failure with
    | NonNull receipt, null ->
        note.IsExported <- true
        note.Attempts <- receipt.Attempts
        note.Integrity <- String.Intern receipt.Integrity
        note.IsWarned <- not (isNull receipt.Warning)
        note.Untrue <- untrueIn item receipt
    | null, NonNull failure ->
        note.Kind <- failure.Kind
        note.Attempts <- failure.Attempts
        note.MayBeStored <- failure.MayBeStored
    | _ -> note.Untrue <- "that it is both a receipt and a failure, or neither"

/// The broker. A file that is to change does so here, where the push has opened it and has not read it.
let private provider (store: Store) (items: Item[]) (request: PresignedUrlRequest) =
    let item = items[indexOf request.ArtifactName]

    if item.Key <> request.Key then
        invalidOp $"Asked for %s{request.Key} instead of %s{item.Key}."

    match item.Source with
    | Changing(_, GrowsInTheMiddle) -> ()
    | Changing(path, how) when request.Attempt = 1 -> change path how
    | _ -> ()

    match item.Source, item.Url with
    | _, Url.Refused -> raise (TimeoutException "the broker is away")
    | _, Url.Elsewhere -> store.Presign(elsewhereOf item, null, false)
    | Whole content, Url.WithMd5 ->
        store.Presign(item.Key, readOnlyDict [ "content-md5", content.Md5Base64 ], false)
    | _, url -> store.Presign(item.Key, null, (url = Url.Expired))

let private ask store items =
    Func<_, _, _>(fun (request: PresignedUrlRequest) (_: CancellationToken) ->
        // Some brokers answer at once, most do not.
        if request.Key.Length % 4 = 0 then
            ValueTask<string>(provider store items request)
        else
            ValueTask<string>(
                task {
                    do! Task.Yield()
                    return provider store items request
                }
            ))

let private optionsOf store round items sink =
    let limits =
        match sink with
        | Sink.Strict -> TimeSpan.FromSeconds 4., Nullable(TimeSpan.FromSeconds 2.)
        | _ -> TimeSpan.FromMinutes 2., Nullable()

    PresignedS3ExportSinkOptions(
        PresignedUrlProvider = ask store items,
        CellId = cellOf round sink,
        Bucket = bucket,
        MaxAttempts = maxAttempts,
        RetryBackoff = TimeSpan.FromMilliseconds(if sink = Sink.Plain then 0. else 2.),
        RetryMode =
            (if sink = Sink.Once then
                 S3ExportRetryMode.Exponential
             else
                 S3ExportRetryMode.Fixed),
        MaxRetryBackoff = TimeSpan.FromMilliseconds 20.,
        RequestTimeout = fst limits,
        StallTimeout = snd limits,
        Integrity =
            (if sink = Sink.Strict then
                 S3ExportIntegrity.Require
             else
                 S3ExportIntegrity.Verify),
        WriteOnce = (sink = Sink.Once),
        AcceptUnmarked = (sink = Sink.Lenient)
    )

/// Lets files grow while they are sent, in whichever attempt that is: one that is refused early sends nothing.
type private Meddler(items: Item[]) =
    interface IProgress<ExportProgress> with
        member _.Report report =
            if report.BytesSent > 0L then
                match items[indexOf report.ArtifactName].Source with
                | Changing(path, GrowsInTheMiddle) -> change path GrowsInTheMiddle
                | _ -> ()

/// A failure as a line, for whoever has to find out.
type Book(path: string) =
    let file = new StreamWriter(path)
    let gate = Lock()

    member _.Write(item: Item, result: ExportResult) =
        if not result.IsExported then
            lock gate (fun () -> file.WriteLine $"%s{item.Key}\t%s{result.ToJson()}")

    member _.Find(key: string) =
        lock gate file.Flush

        File.ReadLines path
        |> Seq.filter _.StartsWith(key + "\t", StringComparison.Ordinal)
        |> List.ofSeq

    interface IDisposable with
        member _.Dispose() = file.Dispose()

/// Puts somebody else's objects under the keys that are to be taken.
let squat (store: Store) (items: Item[]) =
    task {
        use client = new HttpClient()
        client.DefaultRequestHeaders.UserAgent.ParseAdd Server.quietAgent

        for item in items do
            if item.IsTaken then
                use content = new StringContent(squatter)
                // The URL as it was signed, octet for octet.
                let url = Uri(store.Presign(item.Key, null, false))
                use! reply = client.PutAsync(url, content)
                reply.EnsureSuccessStatusCode() |> ignore
    }

/// Exports all items with sinks of its own, which are gone when it ends. `onResult` is called for each.
let run
    store
    round
    (items: Item[])
    (notes: Note[])
    (book: Book)
    onResult
    (cancellationToken: CancellationToken)
    =
    task {
        let push sink workers =
            task {
                use exporter = new PresignedS3ExportSink(optionsOf store round items sink)

                let options = ExportBatchOptions(MaxConcurrency = workers, Progress = Meddler items)

                let artifacts =
                    items |> Seq.filter (fun item -> item.Sink = sink) |> Seq.map artifact

                let results =
                    exporter.PushManyAsync(artifacts, options, cancellationToken).GetAsyncEnumerator()

                let mutable going = true

                while going do
                    let! more = results.MoveNextAsync()
                    going <- more

                    if more then
                        let item = items[indexOf results.Current.Artifact.Name]
                        note notes item results.Current
                        book.Write(item, results.Current)
                        onResult ()

                do! results.DisposeAsync()
            }

        let! _ =
            Task.WhenAll(push Sink.Plain 10, push Sink.Once 3, push Sink.Strict 2, push Sink.Lenient 1)

        ()
    }
