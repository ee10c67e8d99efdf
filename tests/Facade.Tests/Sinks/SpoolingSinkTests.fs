/// The spooling sink, against real file systems.
module Facade.Tests.SpoolingSinkTests

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Text
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open FsCheck
open FsCheck.FSharp
open LoopbackS3
open Microsoft.Extensions.Logging
open Facade.Tests.CompositionSupport
open Facade.Tests.Support

/// What an inner sink says of a push: nothing for a success.
type private Behaviour = string -> ExportFailureKind option

/// A sink of another program, which keeps what it gets.
type private Inner() =
    let stored = ConcurrentQueue<string * string>()
    let metadata = ConcurrentQueue<ExportArtifactMetadata | null>()
    member val Behaviour: Behaviour = (fun _ -> None) with get, set
    member val Before: unit -> Task = (fun () -> Task.CompletedTask) with get, set
    member _.Stored = List.ofSeq stored
    member _.Metadata = List.ofSeq metadata

    interface IExportSink with
        member _.TargetKind = ExportTargetKind.Http
        member _.DestinationHint name = "https://h.example/" + name

        member this.PushAsync(name, path, given, _) =
            task {
                do! this.Before()

                match this.Behaviour name with
                | Some kind ->
                    return
                        raise (
                            ExportException(
                                kind,
                                "PUT https://h.example/a?X-Amz-Signature=0123456789abcdef0123 failed.",
                                MayBeStored = true,
                                Attempts = 2
                            )
                        )
                | None ->
                    let bytes = File.ReadAllBytes path
                    stored.Enqueue(name, sha256 bytes)
                    metadata.Enqueue given
                    let now = DateTimeOffset.UnixEpoch

                    return
                        ExportReceipt(
                            TargetKind = ExportTargetKind.Http,
                            TargetName = "web",
                            Destination = "https://h.example/" + name,
                            BytesWritten = bytes.LongLength,
                            CellId = cellId,
                            ArtifactName = name,
                            Sha256 = sha256 bytes,
                            Integrity = "unverified",
                            Attempts = 1,
                            StartedAt = now,
                            CompletedAt = now
                        )
            }

/// A log that keeps its lines.
let private recorder (lines: ConcurrentQueue<string>) = {
    new ILogger<SpoolingExportSink> with
        member _.BeginScope _ = null
        member _.IsEnabled _ = true

        member _.Log(_, _, state, failure, format) =
            lines.Enqueue(format.Invoke(state, failure))
}

let private away: Behaviour = fun _ -> Some ExportFailureKind.Unreachable
let private back: Behaviour = fun _ -> None

/// A spool, a source, an inner sink and the sink around it.
type private Place() =
    let folder = new Folder()
    let inner = Inner()
    let spool = folder.At "spool"

    member _.Folder = folder
    member _.Inner = inner
    member _.Spool = spool

    member _.SinkIn(path: string, ?most: int64) =
        SpoolingExportSink(
            inner,
            SpoolingExportSinkOptions(
                Folder = path,
                CellId = cellId,
                TargetName = "web",
                MaxBytes = Option.toNullable most
            )
        )

    member this.Sink = this.SinkIn spool
    member _.Entries = Directory.GetDirectories spool |> Array.sort

    member this.Entry = Array.exactlyOne this.Entries

    member this.Names =
        Directory.GetFileSystemEntries this.Entry
        |> Array.map (fun file -> nonNull (Path.GetFileName file))
        |> Array.sort

    member this.Note = File.ReadAllText(Path.Join(this.Entry, "note.json"))

    member this.Copy =
        Directory.GetFiles(this.Entry, "content-*")
        |> Array.exactlyOne
        |> File.ReadAllBytes

    member this.Fail(name: string, content: byte[]) =
        inner.Behaviour <- away
        let path = folder.Write("source", content)
        failureOf (fun () -> this.Sink.PushAsync(name, path))

    member _.Drain(?sink: SpoolingExportSink, ?options: ExportBatchOptions) =
        task {
            let sink = defaultArg sink (Place.Around(inner, spool))
            let results = ResizeArray<ExportResult>()
            let drained = sink.DrainAsync(Option.toObj options)
            let enumerator = drained.GetAsyncEnumerator()
            let mutable going = true

            while going do
                let! next = enumerator.MoveNextAsync()
                going <- next

                if next then
                    results.Add enumerator.Current

            do! enumerator.DisposeAsync()
            return List.ofSeq results
        }

    static member private Around(inner: Inner, path: string) =
        SpoolingExportSink(
            inner,
            SpoolingExportSinkOptions(Folder = path, CellId = cellId, TargetName = "web")
        )

    interface IDisposable with
        member _.Dispose() = (folder :> IDisposable).Dispose()

let private run (program: string) (arguments: string list) =
    let start = ProcessStartInfo(program, RedirectStandardError = true)
    arguments |> List.iter start.ArgumentList.Add

    try
        use started = nonNull (Process.Start start)
        started.WaitForExit()
        started.ExitCode = 0
    with :? ComponentModel.Win32Exception ->
        false

let private owner = UnixFileMode.UserRead ||| UnixFileMode.UserWrite

[<Tests>]
let tests =
    testList "spooling sink" [
        testCaseTask "a success is handed on, and nothing is kept" (fun () ->
            task {
                use place = new Place()
                let path = place.Folder.Write("source", patterned 10)
                let! receipt = place.Sink.PushAsync("a", path)
                Expect.equal receipt.Sha256 (sha256 (patterned 10)) "the receipt"
                Expect.isFalse (Directory.Exists place.Spool) "no spool was needed"
                Expect.equal (place.Sink.DestinationHint "a") "https://h.example/a" "the inner sink's"
                Expect.equal place.Sink.TargetKind ExportTargetKind.Http "the inner sink's"
            })

        for kind in Enum.GetValues<ExportFailureKind>() do
            let isKept =
                List.contains kind [
                    ExportFailureKind.Unreachable
                    ExportFailureKind.Unavailable
                    ExportFailureKind.TimedOut
                    ExportFailureKind.DeadlineExceeded
                    ExportFailureKind.UrlExpired
                ]

            testCaseTask
                $"""{kind} {if isKept then "keeps the artifact" else "keeps nothing"}, and is still thrown"""
                (fun () ->
                    task {
                        use place = new Place()
                        place.Inner.Behaviour <- fun _ -> Some kind
                        let path = place.Folder.Write("source", patterned 10)
                        let! failure = failureOf (fun () -> place.Sink.PushAsync("a", path))
                        Expect.equal failure.Kind kind "the kind"
                        Expect.equal failure.IsSpooled isKept "kept"
                        Expect.isTrue failure.MayBeStored "as it was"
                        Expect.equal failure.Attempts 2 "as it was"
                        Expect.equal (failure.Message.Contains "drain the spool") isKept "what to do"
                        Expect.equal (failure.ToJson().Contains "\"spooled\":true") isKept "in JSON"
                        Expect.equal (Directory.Exists place.Spool) isKept "the spool"
                    })

        for length in [ 0; 1; 65536; 1_000_003 ] do
            testCaseTask $"keeps {length} bytes, with a note that has no secret" (fun () ->
                task {
                    use place = new Place()
                    let! failure = place.Fail("logs/stdout.txt", patterned length)
                    Expect.isTrue failure.IsSpooled failure.Message
                    Expect.isTrue (place.Copy.AsSpan().SequenceEqual(patterned length)) "the content"
                    Expect.hasLength place.Names 2 "copy and note, and nothing else"
                    let note = place.Note
                    Expect.stringContains note $"\"sha256\":\"{sha256 (patterned length)}\"" "SHA-256"
                    Expect.stringContains note $"\"bytes\":{length}," "the length"
                    Expect.stringContains note "\"artifactName\":\"logs/stdout.txt\"" "the name"
                    Expect.stringContains note "\"targetName\":\"web\"" "the target"
                    Expect.isFalse (note.Contains "0123456789abcdef0123") "no secret"
                    Expect.isFalse (failure.ToJson().Contains "0123456789abcdef0123") "no secret"

                    for file in place.Names do
                        Expect.equal (File.GetUnixFileMode(Path.Join(place.Entry, file))) owner file

                    for folder in [ place.Spool; place.Entry ] do
                        Expect.equal
                            (File.GetUnixFileMode folder)
                            (owner ||| UnixFileMode.UserExecute)
                            folder
                })

        testCaseTask "the metadata comes back with the drain" (fun () ->
            task {
                use place = new Place()
                place.Inner.Behaviour <- away
                let path = place.Folder.Write("source", patterned 10)

                let metadata =
                    ExportArtifactMetadata(
                        ContentType = "text/plain",
                        Headers = readOnlyDict [ "x-amz-meta-run", "42" ]
                    )

                let! failure = failureOf (fun () -> place.Sink.PushAsync("a", path, metadata))
                Expect.isTrue failure.IsSpooled failure.Message
                place.Inner.Behaviour <- back
                let! results = place.Drain()
                Expect.isTrue (List.exactlyOne results).IsExported "exported"

                let sent = nonNull (List.exactlyOne place.Inner.Metadata)
                Expect.equal sent.ContentType "text/plain" "the media type"
                Expect.equal ((nonNull sent.Headers)["x-amz-meta-run"]) "42" "the header"
            })

        testCaseTask "an artifact with a header that may be a credential is not kept" (fun () ->
            task {
                use place = new Place()
                place.Inner.Behaviour <- away
                let path = place.Folder.Write("source", patterned 10)
                let key = "x-amz-server-side-encryption-customer-key"

                let metadata =
                    ExportArtifactMetadata(Headers = readOnlyDict [ key, "c2VjcmV0LXNlY3JldA==" ])

                let! failure = failureOf (fun () -> place.Sink.PushAsync("a", path, metadata))
                Expect.isFalse failure.IsSpooled "not kept"
                Expect.stringContains failure.Message key "which header"
                Expect.isFalse (failure.Message.Contains "c2VjcmV0") "not its value"
                Expect.isFalse (Directory.Exists place.Spool) "nothing was written"
            })

        testCaseTask
            "the same content twice is one entry, and newer content takes the place of older"
            (fun () ->
                task {
                    use place = new Place()
                    let! _ = place.Fail("a", patterned 1000)
                    let entry = place.Entry
                    let! _ = place.Fail("a", patterned 1000)
                    Expect.equal place.Entry entry "the same entry"
                    Expect.hasLength place.Names 2 "one copy, one note"
                    let! _ = place.Fail("a", patterned 2000)
                    Expect.equal place.Entry entry "the same entry"
                    Expect.hasLength place.Names 2 "one copy, one note"
                    Expect.equal (sha256 place.Copy) (sha256 (patterned 2000)) "the newest"
                    let! _ = place.Fail("b", patterned 1000)
                    Expect.hasLength place.Entries 2 "another artifact, another entry"
                })

        testCaseTask
            "a drain exports each artifact, with a receipt of its own, and empties the spool"
            (fun () ->
                task {
                    use place = new Place()

                    for name in [ "a"; "logs/b"; "ü c" ] do
                        let! _ = place.Fail(name, Encoding.UTF8.GetBytes name)
                        ()

                    place.Inner.Behaviour <- back
                    let written = ConcurrentBag<string>()

                    let options =
                        ExportBatchOptions(
                            OnCompleted =
                                (fun result _ ->
                                    // The receipt is written while the entry is still there.
                                    let count = place.Entries.Length
                                    written.Add((nonNull result.Receipt).ToJson())
                                    Expect.isGreaterThan count 0 "still there"
                                    ValueTask.CompletedTask)
                        )

                    let! results = place.Drain(options = options)
                    Expect.all results _.IsExported "exported"
                    Expect.hasLength written 3 "the receipts"

                    Expect.equal
                        (place.Inner.Stored |> List.sort)
                        (List.sort [
                            for name in [ "a"; "logs/b"; "ü c" ] ->
                                name, sha256 (Encoding.UTF8.GetBytes name)
                        ])
                        "as they were spooled"

                    Expect.isEmpty place.Entries "nothing is left"
                    let! again = place.Drain()
                    Expect.isEmpty again "nothing to drain"
                })

        testCaseTask "what cannot be exported yet stays, and the drain says so" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                let! _ = place.Fail("b", patterned 10)

                place.Inner.Behaviour <-
                    fun name ->
                        Some(if name = "a" then ExportFailureKind.TimedOut else ExportFailureKind.Refused)

                let! results = place.Drain()

                let failures =
                    results
                    |> List.map (fun result ->
                        result.Artifact.Name, (nonNull result.Failure).Kind, result.IsSpooled)
                    |> List.sort

                Expect.equal
                    failures
                    [ "a", ExportFailureKind.TimedOut, true; "b", ExportFailureKind.Refused, false ]
                    "both stay; one may be exported later by itself"

                Expect.hasLength place.Entries 2 "both stay"
            })

        testCaseTask "an entry stays if the caller could not write its receipt" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                place.Inner.Behaviour <- back

                let options =
                    ExportBatchOptions(OnCompleted = fun _ _ -> raise (IOException "the disk is full"))

                let! thrown =
                    task {
                        try
                            let! _ = place.Drain(options = options)
                            return ""
                        with :? IOException as failure ->
                            return failure.Message
                    }

                Expect.equal thrown "the disk is full" "the caller's own"
                Expect.hasLength place.Entries 1 "it stays"
                let! results = place.Drain()
                Expect.isTrue (List.exactlyOne results).IsExported "the next drain exports it"
            })

        testCaseTask "an artifact that was exported since is not exported again" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                place.Inner.Behaviour <- back
                let path = place.Folder.Write("source", patterned 20)
                let! receipt = place.Sink.PushAsync("a", path)
                Expect.hasLength place.Entries 1 "the drain removes it, with the receipt"
                let! results = place.Drain()
                let drained = nonNull (List.exactlyOne results).Receipt
                Expect.equal (drained.ToJson()) (receipt.ToJson()) "the receipt of the newer export"

                Expect.equal
                    place.Inner.Stored
                    [ "a", sha256 (patterned 20) ]
                    "older content did not follow newer"

                Expect.isEmpty place.Entries "it is gone"
            })

        testCaseTask
            "content that is spooled after an export is exported, though the entry had a receipt"
            (fun () ->
                task {
                    use place = new Place()
                    let! _ = place.Fail("a", patterned 10)
                    place.Inner.Behaviour <- back
                    let path = place.Folder.Write("source", patterned 20)
                    let! _ = place.Sink.PushAsync("a", path)
                    let! _ = place.Fail("a", patterned 30)
                    Expect.hasLength place.Names 2 "the receipt is of the older note, and gone"
                    place.Inner.Behaviour <- back
                    let! _ = place.Drain()

                    Expect.equal
                        (List.last place.Inner.Stored)
                        ("a", sha256 (patterned 30))
                        "the newest comes last"
                })

        testCaseTask
            "a push waits while a drain exports the same artifact, so that the newer content comes last"
            (fun () ->
                task {
                    use place = new Place()
                    let! _ = place.Fail("a", patterned 10)
                    place.Inner.Behaviour <- back
                    let entered = TaskCompletionSource()
                    let go = TaskCompletionSource()
                    let mutable first = 1

                    place.Inner.Before <-
                        fun () ->
                            if Interlocked.Exchange(&first, 0) = 1 then
                                entered.SetResult()
                                go.Task
                            else
                                Task.CompletedTask

                    let draining = place.Drain()
                    do! entered.Task
                    let path = place.Folder.Write("source", patterned 20)
                    let pushing = place.Sink.PushAsync("a", path)
                    do! Task.Delay 100
                    Expect.isFalse pushing.IsCompleted "it waits"
                    go.SetResult()
                    let! _ = draining
                    let! _ = pushing

                    Expect.equal
                        place.Inner.Stored
                        [ "a", sha256 (patterned 10); "a", sha256 (patterned 20) ]
                        "in this order"
                })

        testCaseTask "two drains at once: the second is refused" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                place.Inner.Behaviour <- back
                let entered = TaskCompletionSource()
                let go = TaskCompletionSource()

                place.Inner.Before <-
                    fun () ->
                        entered.TrySetResult() |> ignore
                        go.Task

                let draining = place.Drain()
                do! entered.Task

                let! refused =
                    task {
                        try
                            let! _ = place.Drain()
                            return ""
                        with :? IOException as refused ->
                            return refused.Message
                    }

                Expect.stringContains refused "is being drained by another process" "why"
                go.SetResult()
                let! results = draining
                Expect.isTrue (List.exactlyOne results).IsExported "the first goes on"
            })

        testCaseTask "a source that is a link, a pipe or gone is not kept" (fun () ->
            task {
                use place = new Place()
                place.Inner.Behaviour <- away
                let real = place.Folder.Write("real", patterned 10)
                File.CreateSymbolicLink(place.Folder.At "link", real) |> ignore
                pipe (place.Folder.At "pipe")

                for source, why in
                    [ "link", "a symbolic link"; "pipe", "a pipe"; "gone", "there is no file" ] do
                    let! failure =
                        failureOf (fun () -> place.Sink.PushAsync("a", place.Folder.At source))

                    Expect.equal failure.Kind ExportFailureKind.Unreachable "the failure of the export"
                    Expect.isFalse failure.IsSpooled source
                    Expect.stringContains failure.Message "It is not spooled" source
                    Expect.stringContains failure.Message why source
                    Expect.isEmpty place.Entries "nothing is left of it"
            })

        testCaseTask "a spool that is a link, or that others can write to, is refused" (fun () ->
            task {
                use place = new Place()
                place.Inner.Behaviour <- away
                let path = place.Folder.Write("source", patterned 10)
                let real = place.Folder.At "real"
                Directory.CreateDirectory real |> ignore
                let link = place.Folder.At "link"
                File.CreateSymbolicLink(link, real) |> ignore
                let shared = place.Folder.At "shared"
                Directory.CreateDirectory shared |> ignore
                File.SetUnixFileMode(shared, owner ||| UnixFileMode.UserExecute ||| UnixFileMode.GroupWrite)
                let file = place.Folder.Write("file", [||])

                for spool, why in
                    [
                        link, "is a symbolic link"
                        link + "/", "is a symbolic link"
                        link + "/.", "is a symbolic link"
                        shared, "can be written by other users"
                        file, "cannot be used"
                        file + "/below", "cannot be used"
                    ] do
                    let! failure = failureOf (fun () -> (place.SinkIn spool).PushAsync("a", path))
                    Expect.isFalse failure.IsSpooled spool
                    Expect.stringContains failure.Message why spool

                    if spool <> file + "/below" then
                        let! refused =
                            task {
                                try
                                    let! _ = place.Drain(place.SinkIn spool)
                                    return ""
                                with :? IOException as refused ->
                                    return refused.Message
                            }

                        Expect.stringContains refused why "a drain refuses it, too"

                Expect.isEmpty (Directory.GetFileSystemEntries real) "nothing was written there"
                Expect.isEmpty (Directory.GetFileSystemEntries shared) "nothing was written there"
            })

        testCaseTask "a limit keeps the spool small, and room that a drain made is used" (fun () ->
            task {
                use place = new Place()
                let sink = place.SinkIn(place.Spool, 25L)

                let fail name length =
                    place.Inner.Behaviour <- away
                    let path = place.Folder.Write("source", patterned length)
                    failureOf (fun () -> sink.PushAsync(name, path))

                let! a = fail "a" 10
                let! b = fail "b" 10
                let! c = fail "c" 10
                Expect.equal [ a.IsSpooled; b.IsSpooled; c.IsSpooled ] [ true; true; false ] "two fit"
                Expect.stringContains c.Message "exceed its limit of 25" "why"
                Expect.hasLength place.Entries 2 "nothing is left of the third"
                place.Inner.Behaviour <- back
                let! _ = place.Drain()
                let! c = fail "c" 10
                Expect.isTrue c.IsSpooled c.Message
            })

        testCaseTask "target and cell of an inner sink of this library apply to the spool" (fun () ->
            task {
                use! server = gateway ()
                use folder = new Folder()
                let path = folder.Write("a", patterned 10)

                let inner (target: string | null) =
                    new HttpExportSink(
                        HttpExportSinkOptions(
                            BaseUrl = $"{server.Endpoint}my-cellos-evidence/web",
                            CellId = cellId,
                            TargetName = target,
                            MaxAttempts = 1
                        )
                    )

                let around (inner: IExportSink) cell (target: string | null) =
                    SpoolingExportSink(
                        inner,
                        SpoolingExportSinkOptions(
                            Folder = folder.At "spool",
                            CellId = cell,
                            TargetName = target
                        )
                    )

                use web = inner "web"
                let sink = around web cellId null
                server.OnAttempt <- fun _ -> Fault.Status(503, "SlowDown")
                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.isTrue failure.IsSpooled failure.Message
                server.OnAttempt <- null
                let results = ResizeArray<ExportResult>()
                let enumerator = (around web "" "web").DrainAsync().GetAsyncEnumerator()
                let mutable going = true

                while going do
                    let! next = enumerator.MoveNextAsync()
                    going <- next

                    if next then
                        results.Add enumerator.Current

                do! enumerator.DisposeAsync()
                Expect.isTrue (Seq.exactlyOne results).IsExported "its receipt fits the entry"
                Expect.isEmpty (Directory.GetDirectories(folder.At "spool")) "removed"
                use nameless = inner null

                for build in
                    [
                        fun () -> around web cellId "other"
                        fun () -> around web "cell-8" "web"
                        fun () -> around sink cellId "other"
                        fun () -> around nameless cellId "web"
                    ] do
                    Expect.throwsT<ArgumentException> (fun () -> build () |> ignore) "it differs"
            })

        testCaseTask "a receipt of another target does not take the place of the older copy" (fun () ->
            task {
                use place = new Place()
                let log = ConcurrentQueue<string>()

                let sink =
                    SpoolingExportSink(
                        place.Inner,
                        SpoolingExportSinkOptions(Folder = place.Spool, CellId = cellId),
                        logger = recorder log
                    )

                place.Inner.Behaviour <- away
                let path = place.Folder.Write("source", patterned 10)
                let! _ = failureOf (fun () -> sink.PushAsync("a", path))
                place.Inner.Behaviour <- back
                let! receipt = sink.PushAsync("a", path)
                Expect.equal receipt.TargetName "web" "another target's"
                Expect.hasLength place.Names 2 "copy and note: no receipt"
                Expect.exists log _.Contains("target name and the cell") "what to do"
            })

        testCaseTask "a push returns its receipt though the spool cannot take it" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                let note = Path.Join(place.Entry, "note.json")
                place.Inner.Behaviour <- back

                place.Inner.Before <-
                    fun () ->
                        File.Delete note
                        Directory.CreateDirectory note |> ignore
                        Task.CompletedTask

                let! receipt = place.Sink.PushAsync("a", place.Folder.At "source")
                Expect.equal receipt.ArtifactName "a" "exported"
            })

        testCaseTask "several pushes at once do not exceed the limit together" (fun () ->
            task {
                use place = new Place()
                place.Inner.Behaviour <- away
                let length = 3_000_000
                let path = place.Folder.Write("source", patterned length)
                let most = int64 length * 3L
                // Sinks of one process share the folder, under two paths.
                let sinks = [ place.SinkIn(place.Spool, most); place.SinkIn(place.Spool + "/", most) ]

                let! failures =
                    Task.WhenAll [
                        for i in 1..16 ->
                            Task.Run<ExportException>(fun () ->
                                failureOf (fun () -> sinks[i % 2].PushAsync($"a{i}", path)))
                    ]

                let kept = failures |> Array.filter _.IsSpooled |> Array.length
                Expect.equal kept 3 "as many as fit"
                Expect.hasLength place.Entries 3 "as many as fit"
                // A copy of another process that is under way is not counted with a part of its bytes.
                place.Inner.Behaviour <- back
                let! _ = place.Drain()
                place.Inner.Behaviour <- away
                let! again = failureOf (fun () -> sinks[0].PushAsync("b", path))
                Expect.isTrue again.IsSpooled again.Message
            })

        testCaseTask "a drain with a wrong MaxConcurrency is refused before it removes anything" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                let killed = Path.Join(place.Spool, String('0', 64))
                Directory.CreateDirectory killed |> ignore

                Expect.throwsT<ArgumentException>
                    (fun () -> place.Sink.DrainAsync(ExportBatchOptions(MaxConcurrency = 0)) |> ignore)
                    "at once"

                Expect.isTrue (Directory.Exists killed) "nothing was removed"
            })

        testCaseTask "a drain logs an entry that it cannot remove" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                place.Inner.Behaviour <- back
                let log = ConcurrentQueue<string>()

                let sink =
                    SpoolingExportSink(
                        place.Inner,
                        SpoolingExportSinkOptions(Folder = place.Spool, CellId = cellId, TargetName = "web"),
                        logger = recorder log
                    )

                let options =
                    ExportBatchOptions(
                        OnCompleted =
                            fun _ _ ->
                                Directory.CreateDirectory(Path.Join(place.Entry, "in-the-way")) |> ignore
                                ValueTask.CompletedTask
                    )

                let! results = place.Drain(sink, options)
                Expect.isTrue (List.exactlyOne results).IsExported "exported"
                Expect.isNonEmpty log "why it is still there"
            })

        testCaseTask "a drain does not wait for a push whose entry has no note yet" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                Directory.GetFiles place.Entry |> Array.iter File.Delete
                place.Inner.Behaviour <- back
                let entered = TaskCompletionSource()
                let go = TaskCompletionSource()

                place.Inner.Before <-
                    fun () ->
                        entered.TrySetResult() |> ignore
                        go.Task

                let pushing = place.Sink.PushAsync("a", place.Folder.At "source")
                do! entered.Task
                let! results = place.Drain()
                Expect.isEmpty results "nothing was reported of it"
                Expect.isFalse pushing.IsCompleted "the push goes on"
                go.SetResult()
                let! _ = pushing
                ()
            })

        testCaseTask
            "leftovers of a crash are removed by the next drain, or replaced by the next push"
            (fun () ->
                task {
                    use place = new Place()
                    let! _ = place.Fail("a", patterned 10)
                    let! _ = place.Fail("b", patterned 20)
                    place.Inner.Behaviour <- back

                    let ofA =
                        place.Entries
                        |> Array.find (fun entry ->
                            (File.ReadAllText(Path.Join(entry, "note.json"))).Contains "\"a\"")

                    // A copy without a note; files beside a note; an entry without a file.
                    let killed = Path.Join(place.Spool, String('0', 64))
                    Directory.CreateDirectory killed |> ignore
                    File.WriteAllBytes(Path.Join(killed, "content.part"), patterned 5)
                    File.WriteAllBytes(Path.Join(killed, "content-" + String('1', 64)), patterned 5)
                    Directory.CreateDirectory(Path.Join(place.Spool, String('2', 64))) |> ignore

                    File.WriteAllText(Path.Join(ofA, "content.part"), "torn")
                    File.WriteAllText(Path.Join(ofA, "note.json.part"), "{")
                    File.WriteAllText(Path.Join(ofA, "content-" + String('1', 64)), "older")
                    let! results = place.Drain()
                    Expect.hasLength results 2 "the two that were spooled"
                    Expect.all results _.IsExported "exported"
                    Expect.isEmpty place.Entries "nothing is left"
                })

        for what, damage in
            [
                "a note of a newer version",
                (fun (entry: string) ->
                    let note = Path.Join(entry, "note.json")
                    File.WriteAllText(note, File.ReadAllText(note).Replace("\"version\":1", "\"version\":2")))
                "a note that is torn",
                (fun entry -> File.WriteAllText(Path.Join(entry, "note.json"), "{\"version\":1"))
                "a note that is too long",
                (fun entry -> File.WriteAllText(Path.Join(entry, "note.json"), String(' ', 2_000_000)))
                "a copy that is missing",
                (fun entry -> Directory.GetFiles(entry, "content-*") |> Array.iter File.Delete)
                "a copy that is shorter",
                (fun entry ->
                    Directory.GetFiles(entry, "content-*")
                    |> Array.iter (fun file -> File.WriteAllBytes(file, patterned 9)))
                "a copy with other bytes",
                (fun entry ->
                    Directory.GetFiles(entry, "content-*")
                    |> Array.iter (fun file -> File.WriteAllBytes(file, Array.zeroCreate 10)))
                "a copy that is a link",
                (fun entry ->
                    for file in Directory.GetFiles(entry, "content-*") do
                        File.Move(file, entry + "-real")
                        File.CreateSymbolicLink(file, entry + "-real") |> ignore)
                "a note of another artifact",
                (fun entry ->
                    let note = Path.Join(entry, "note.json")

                    File.WriteAllText(
                        note,
                        File.ReadAllText(note).Replace("\"artifactName\":\"a\"", "\"artifactName\":\"b\"")
                    ))
            ] do
            testCaseTask $"{what} is refused and stays, and the others are exported" (fun () ->
                task {
                    use place = new Place()
                    let! _ = place.Fail("a", patterned 10)
                    let entry = place.Entry
                    let! _ = place.Fail("good", patterned 10)
                    damage entry
                    let before = Directory.GetFileSystemEntries entry |> Array.sort
                    place.Inner.Behaviour <- back
                    let! results = place.Drain()
                    let good, bad = results |> List.partition _.IsExported
                    Expect.hasLength good 1 "the other"
                    let failure = nonNull (List.exactlyOne bad).Failure
                    Expect.isFalse failure.IsSpooled "no later drain exports it by itself"
                    Expect.isLessThan (failure.Reason.Split(' ').Length) 46 failure.Reason

                    Expect.equal
                        (Directory.GetFileSystemEntries entry |> Array.sort)
                        before
                        "it stays as it was"

                    Expect.equal (List.map fst place.Inner.Stored) [ "good" ] "nothing of it was sent"
                })

        testCaseTask "a push does not replace a note of a newer version, nor add to it" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                let note = Path.Join(place.Entry, "note.json")
                File.WriteAllText(note, File.ReadAllText(note).Replace("\"version\":1", "\"version\":2"))
                let before = place.Names
                let! failure = place.Fail("a", patterned 20)
                Expect.isFalse failure.IsSpooled "not kept"
                Expect.stringContains failure.Message "is of version 2" "why"
                place.Inner.Behaviour <- back
                let! _ = place.Sink.PushAsync("a", place.Folder.At "source")
                Expect.equal place.Names before "as it was"
                Expect.equal (sha256 place.Copy) (sha256 (patterned 10)) "as it was"
            })

        testCaseTask "entries of other cells, targets and kinds are left alone" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)
                place.Inner.Behaviour <- back

                let other (target: string option) cell =
                    SpoolingExportSink(
                        place.Inner,
                        SpoolingExportSinkOptions(
                            Folder = place.Spool,
                            CellId = cell,
                            TargetName = Option.toObj target
                        )
                    )

                for sink in [ other (Some "web") "cell-8"; other (Some "web2") cellId; other None cellId ] do
                    let! results = place.Drain sink
                    Expect.isEmpty results "none of its own"

                Expect.hasLength place.Entries 1 "it stays"
            })

        testCaseTask "a spool may be on another file system than the source, and is private there" (fun () ->
            task {
                use place = new Place()
                let spool = Path.Join("/dev/shm", "cellos-spool-" + Guid.NewGuid().ToString("N"))

                if not (Directory.Exists "/dev/shm") then
                    skiptest "needs /dev/shm"

                try
                    place.Inner.Behaviour <- away
                    let path = place.Folder.Write("source", patterned 1000)
                    let sink = place.SinkIn spool
                    let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                    Expect.isTrue failure.IsSpooled failure.Message
                    place.Inner.Behaviour <- back
                    let! results = place.Drain sink
                    Expect.isTrue (List.exactlyOne results).IsExported "exported"
                finally
                    if Directory.Exists spool then
                        Directory.Delete(spool, true)
            })

        testCaseTask "many artifacts that fail at once are all kept" (fun () ->
            task {
                use place = new Place()
                place.Inner.Behaviour <- away
                let path = place.Folder.Write("source", patterned 1000)
                let sink = place.Sink

                let! failures =
                    Task.WhenAll [
                        for i in 1..64 -> failureOf (fun () -> sink.PushAsync($"a{i % 32}", path))
                    ]

                Expect.all failures _.IsSpooled "kept"
                Expect.hasLength place.Entries 32 "one entry for each artifact"
                place.Inner.Behaviour <- back
                let! results = place.Drain()
                Expect.hasLength results 32 "each once"
                Expect.all results _.IsExported "exported"
            })

        testCaseTask "an artifact that the inner sink has spooled already is not spooled twice" (fun () ->
            task {
                use place = new Place()
                let! _ = place.Fail("a", patterned 10)

                let around =
                    SpoolingExportSink(
                        place.Sink,
                        SpoolingExportSinkOptions(Folder = place.Folder.At "outer", CellId = cellId)
                    )

                place.Inner.Behaviour <- away
                let! failure = failureOf (fun () -> around.PushAsync("a", place.Folder.At "source"))
                Expect.isTrue failure.IsSpooled "by the inner one"
                Expect.isFalse (Directory.Exists(place.Folder.At "outer")) "not by the outer one"
            })

        testCaseTask "a batch keeps what fails, one by one" (fun () ->
            task {
                use place = new Place()
                let path = place.Folder.Write("source", patterned 10)

                place.Inner.Behaviour <-
                    fun name -> if name = "a" then None else Some ExportFailureKind.Unavailable

                let batch =
                    place.Sink.PushManyAsync [ ExportArtifact("a", path); ExportArtifact("b", path) ]

                let results = ResizeArray<string * bool * bool>()
                let enumerator = batch.GetAsyncEnumerator()
                let mutable going = true

                while going do
                    let! next = enumerator.MoveNextAsync()
                    going <- next

                    if next then
                        let result = enumerator.Current
                        results.Add(result.Artifact.Name, result.IsExported, result.IsSpooled)

                do! enumerator.DisposeAsync()

                Expect.equal
                    (results |> Seq.sort |> List.ofSeq)
                    [ "a", true, false; "b", false, true ]
                    "both"
            })

        testCase "options are checked, all at once" (fun () ->
            Expect.throwsT<ArgumentException>
                (fun () ->
                    SpoolingExportSink(
                        Inner(),
                        SpoolingExportSinkOptions(
                            Folder = " ",
                            CellId = "a/b",
                            TargetName = "..",
                            MaxBytes = 0L
                        )
                    )
                    |> ignore)
                "all of them")
    ]

/// Mounts need rights that a test may lack, and are of the whole machine.
[<Tests>]
let onSmallDisk =
    testSequenced (
        testList "spooling sink" [
            testCaseTask "a full disk keeps nothing, leaves nothing, and says so" (fun () ->
                task {
                    use place = new Place()
                    let disk = place.Folder.At "disk"
                    Directory.CreateDirectory disk |> ignore

                    if not (run "mount" [ "-t"; "tmpfs"; "-o"; "size=64k,mode=700"; "none"; disk ]) then
                        skiptest "needs a user who may mount a file system"

                    try
                        let spool = Path.Join(disk, "spool")
                        let sink = place.SinkIn spool
                        place.Inner.Behaviour <- away
                        let large = place.Folder.Write("large", patterned 100_000)
                        let small = place.Folder.Write("small", patterned 100)
                        let! full = failureOf (fun () -> sink.PushAsync("a", large))
                        Expect.equal full.Kind ExportFailureKind.Unreachable "the failure of the export"
                        Expect.isFalse full.IsSpooled full.Message
                        Expect.stringContains full.Message "is full" "why"
                        Expect.isEmpty (Directory.GetDirectories spool) "nothing is left"
                        let! kept = failureOf (fun () -> sink.PushAsync("a", small))
                        Expect.isTrue kept.IsSpooled kept.Message
                        // The older copy is there until the newer one is complete.
                        let! full = failureOf (fun () -> sink.PushAsync("a", large))
                        Expect.isFalse full.IsSpooled full.Message
                        place.Inner.Behaviour <- back
                        let! results = place.Drain sink

                        Expect.equal
                            place.Inner.Stored
                            [ "a", sha256 (patterned 100) ]
                            "what was kept before"

                        Expect.hasLength results 1 "one"
                    finally
                        Expect.isTrue (run "umount" [ "-l"; disk ]) "umount"
                })
        ]
    )

let private spec =
    """
export:
  targets:
    - {name: artifact-bucket, kind: s3, bucket: my-cellos-evidence}
    - {name: web, kind: http}
"""

[<Tests>]
let ofEnvironment =
    testList "a spool of the environment" [
        testCaseTask
            "keeps artifacts of S3 and HTTP targets and of the default sink, one by one and in batches"
            (fun () ->
                task {
                    use! server = gateway ()
                    use folder = new Folder()
                    let path = folder.Write("a", patterned 1000)
                    server.OnAttempt <- fun _ -> Fault.Status(503, "SlowDown")

                    use sinks =
                        ExportSinks.Create(
                            ExportSpec.Parse spec,
                            cellId,
                            environment [
                                "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                                $"{server.Endpoint}my-cellos-evidence/{{cell_id}}/{{artifact_name}}"
                                "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ARTIFACT_BUCKET", "0"
                                "CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS", "0"
                                "CELLOS_EXPORT_HTTP_BASE_URL", $"{server.Endpoint}my-cellos-evidence/web"
                                "CELLOS_EXPORT_S3_SPOOL_DIR", folder.At "spool"
                                "CELLOS_EXPORT_HTTP_SPOOL_DIR", folder.At "spool"
                            ]
                        )

                    let fallback = Expect.wantSome (Option.ofObj sinks.Default) "a default sink"

                    for sink in [ sinks["artifact-bucket"]; sinks["web"]; fallback ] do
                        let! failure = failureOf (fun () -> sink.PushAsync("one", path))
                        Expect.equal failure.Kind ExportFailureKind.Unavailable failure.Message
                        Expect.isTrue failure.IsSpooled failure.Message

                    let many =
                        (sinks["artifact-bucket"] :?> PresignedS3ExportSink)
                            .PushManyAsync([ ExportArtifact("two", path); ExportArtifact("three", path) ])

                    let enumerator = many.GetAsyncEnumerator()
                    let mutable going = true

                    while going do
                        let! next = enumerator.MoveNextAsync()
                        going <- next

                        if next then
                            Expect.isTrue enumerator.Current.IsSpooled "in a batch, too"

                    do! enumerator.DisposeAsync()
                    Expect.hasLength (Directory.GetDirectories(folder.At "spool")) 5 "the same spool"
                })
    ]
