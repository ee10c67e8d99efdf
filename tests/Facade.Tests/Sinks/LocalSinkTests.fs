/// The local sink, against real file systems.
module Facade.Tests.LocalSinkTests

open System
open System.Diagnostics
open System.IO
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open Expecto
open Facade.Tests.Support

let private options root =
    LocalExportSinkOptions(Root = root, CellId = cellId)

/// An export folder, a source and a sink.
type private Place(content: byte[]) =
    let folder = new Folder()
    let root = folder.At "export"
    let path = folder.Write("source", content)
    member _.Root = root
    member _.Path = path
    member _.Cell = Path.Combine(root, cellId)
    member this.At(name: string) = Path.Combine(this.Cell, name)
    member _.Folder = folder
    member _.Sink = new LocalExportSink(root, cellId)

    member _.Replacing =
        new LocalExportSink(LocalExportSinkOptions(Root = root, CellId = cellId, Overwrite = true))

    member this.Names =
        Directory.GetFileSystemEntries this.Cell |> Array.map Path.GetFileName

    interface IDisposable with
        member _.Dispose() = (folder :> IDisposable).Dispose()

let private temporaryOf (name: string) =
    match
        Core.ArtifactName.create name
        |> Result.bind Core.LocalName.create
        |> Result.map Core.LocalName.temporary
    with
    | Ok name -> name
    | Error refusal -> failtest refusal.Message

let private run (program: string) (arguments: string list) =
    let start = ProcessStartInfo(program, RedirectStandardError = true)
    arguments |> List.iter start.ArgumentList.Add

    try
        use started = nonNull (Process.Start start)
        started.WaitForExit()
        started.ExitCode = 0
    with :? ComponentModel.Win32Exception ->
        false

/// A file system of 64 KiB of its own, where this user may mount one.
let private smallDisk (use': string -> Task<unit>) =
    task {
        use folder = new Folder()
        let disk = folder.At "disk"
        Directory.CreateDirectory disk |> ignore

        if not (run "mount" [ "-t"; "tmpfs"; "-o"; "size=64k"; "none"; disk ]) then
            skiptest "needs a user who may mount a file system"

        try
            do! use' disk
        finally
            Expect.isTrue (run "umount" [ "-l"; disk ]) "umount"
    }

[<Tests>]
let tests =
    testList "local sink" [
        for length in [ 0; 1; 65536; 65537; 1_000_003 ] do
            testCaseTask $"writes {length} bytes under the artifact's name, with a true receipt" (fun () ->
                task {
                    use place = new Place(patterned length)
                    let! receipt = place.Sink.PushAsync("report.json", place.Path)
                    let written = File.ReadAllBytes(place.At "report.json")
                    Expect.isTrue (written.AsSpan().SequenceEqual(patterned length)) "the content"
                    Expect.equal receipt.TargetKind ExportTargetKind.Local "the kind"
                    Expect.equal receipt.Destination (place.At "report.json") "the path"
                    Expect.equal receipt.Destination (place.Sink.DestinationHint "report.json") "as hinted"
                    Expect.equal receipt.Sha256 (sha256 (patterned length)) "SHA-256"
                    Expect.equal receipt.BytesWritten (int64 length) "bytes"
                    Expect.equal receipt.Integrity "checksum-sha256" "it was read back"
                    Expect.isNull receipt.Md5 "none was asked for"

                    Expect.stringContains
                        (receipt.ToJson())
                        "\"targetKind\":\"localPath\""
                        "the family's word"

                    Expect.equal place.Names [| "report.json" |] "nothing else is left"
                })

        testCaseTask "makes folders for their owner alone, and files too" (fun () ->
            task {
                use place = new Place(patterned 10)
                let! _ = place.Sink.PushAsync("a", place.Path)
                let owner = UnixFileMode.UserRead ||| UnixFileMode.UserWrite
                Expect.equal (File.GetUnixFileMode(place.At "a")) owner "the file"

                for folder in [ place.Root; place.Cell ] do
                    Expect.equal (File.GetUnixFileMode folder) (owner ||| UnixFileMode.UserExecute) folder
            })

        testCaseTask "takes an MD5 and leaves the reading back out where options say so" (fun () ->
            task {
                use place = new Place(patterned 100)

                let sink =
                    new LocalExportSink(
                        LocalExportSinkOptions(
                            Root = place.Root,
                            CellId = cellId,
                            Md5 = true,
                            ReadBack = false
                        )
                    )

                let! receipt = sink.PushAsync("a", place.Path)
                Expect.equal receipt.Md5 (md5 (patterned 100)) "MD5"
                Expect.equal receipt.Integrity "unverified" "nothing was read back"
            })

        testCaseTask "the same content again is a success, and the file stays" (fun () ->
            task {
                use place = new Place(patterned 1000)
                let! first = place.Sink.PushAsync("a", place.Path)
                let stamp = File.GetLastWriteTimeUtc(place.At "a")
                let! second = place.Sink.PushAsync("a", place.Path)
                Expect.equal second.Sha256 first.Sha256 "the content"
                Expect.equal second.Integrity "checksum-sha256" "it was compared"
                Expect.equal (File.GetLastWriteTimeUtc(place.At "a")) stamp "not written again"
            })

        testCaseTask "other content is not replaced, unless that is asked for" (fun () ->
            task {
                use place = new Place(patterned 1000)
                let! _ = place.Sink.PushAsync("a", place.Path)
                let other = place.Folder.Write("other", Array.zeroCreate 1000)
                let! failure = failureOf (fun () -> place.Sink.PushAsync("a", other))
                Expect.equal failure.Kind ExportFailureKind.AlreadyExists "kind"
                Expect.stringContains failure.Message "CELLOS_EXPORT_LOCAL_OVERWRITE=1" "what to do"

                Expect.stringContains
                    (failure.ToCloudEvent DateTimeOffset.UnixEpoch)
                    "\"data\":{\"targetKind\":\"localPath\","
                    "the event names the kind"

                Expect.equal (sha256 (File.ReadAllBytes(place.At "a"))) (sha256 (patterned 1000)) "as it was"
                let! receipt = place.Replacing.PushAsync("a", other)
                Expect.equal (sha256 (File.ReadAllBytes(place.At "a"))) receipt.Sha256 "replaced"
                Expect.equal place.Names [| "a" |] "nothing else is left"
            })

        for what, make in
            [
                "a link to a file",
                (fun (place: Place) (at: string) -> File.CreateSymbolicLink(at, place.Path) |> ignore)
                "a link to nothing", (fun _ at -> File.CreateSymbolicLink(at, "/nowhere") |> ignore)
                "a folder", (fun _ at -> Directory.CreateDirectory at |> ignore)
                "a pipe", (fun _ at -> pipe at)
            ] do
            testCaseTask $"{what} under the name is refused and stays as it is" (fun () ->
                task {
                    use place = new Place(patterned 10)
                    Directory.CreateDirectory place.Cell |> ignore
                    make place (place.At "a")
                    let before = File.GetAttributes(place.At "a")

                    for sink in [ place.Sink; place.Replacing ] do
                        let! failure = failureOf (fun () -> sink.PushAsync("a", place.Path))
                        Expect.equal failure.Kind ExportFailureKind.Refused failure.Message
                        Expect.isFalse failure.MayBeStored "certainly not written"

                    Expect.equal (File.GetAttributes(place.At "a")) before "as it was"
                    Expect.equal place.Names [| "a" |] "nothing else is left"
                })

        testCaseTask "a cell's folder that is a link is not followed" (fun () ->
            task {
                use place = new Place(patterned 10)
                let elsewhere = place.Folder.At "elsewhere"
                Directory.CreateDirectory elsewhere |> ignore
                Directory.CreateDirectory place.Root |> ignore
                Directory.CreateSymbolicLink(place.Cell, elsewhere) |> ignore
                let! failure = failureOf (fun () -> place.Sink.PushAsync("a", place.Path))
                Expect.equal failure.Kind ExportFailureKind.Refused "kind"
                Expect.stringContains failure.Message "symbolic link" "why"
                Expect.isEmpty (Directory.GetFileSystemEntries elsewhere) "nothing was written there"
            })

        testCaseTask "the export folder itself may be a link of the operator's" (fun () ->
            task {
                use place = new Place(patterned 10)
                let elsewhere = place.Folder.At "elsewhere"
                Directory.CreateDirectory elsewhere |> ignore
                Directory.CreateSymbolicLink(place.Root, elsewhere) |> ignore
                let! _ = place.Sink.PushAsync("a", place.Path)
                Expect.isTrue (File.Exists(Path.Combine(elsewhere, cellId, "a"))) "written there"
            })

        for what, make in
            [
                "of any content", (fun (_: Place) (at: string) -> File.WriteAllBytes(at, patterned 5000))
                "that is a link", (fun place at -> File.CreateSymbolicLink(at, place.Path) |> ignore)
                "that others may read",
                (fun _ at ->
                    File.WriteAllText(at, "x")

                    File.SetUnixFileMode(
                        at,
                        UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.OtherRead
                    ))
            ] do
            testCaseTask $"a left-over temporary file {what} is replaced" (fun () ->
                task {
                    use place = new Place(patterned 100)
                    Directory.CreateDirectory place.Cell |> ignore
                    make place (place.At(temporaryOf "a"))
                    let! receipt = place.Sink.PushAsync("a", place.Path)
                    Expect.equal (sha256 (File.ReadAllBytes(place.At "a"))) receipt.Sha256 "the content"

                    Expect.equal
                        (File.GetUnixFileMode(place.At "a"))
                        (UnixFileMode.UserRead ||| UnixFileMode.UserWrite)
                        "for the owner alone"

                    Expect.equal place.Names [| "a" |] "nothing else is left"

                    Expect.equal
                        (sha256 (File.ReadAllBytes place.Path))
                        (sha256 (patterned 100))
                        "the source"
                })

        testCaseTask "a left-over with a second name does not take that file's content" (fun () ->
            task {
                use place = new Place(patterned 100)
                Directory.CreateDirectory place.Cell |> ignore
                let victim = place.Folder.Write("victim", patterned 50)

                if not (run "ln" [ victim; place.At(temporaryOf "a") ]) then
                    skiptest "needs ln"

                let! _ = place.Sink.PushAsync("a", place.Path)
                Expect.equal (File.ReadAllBytes victim) (patterned 50) "the other file"
                Expect.equal place.Names [| "a" |] "nothing else is left"
            })

        testCaseTask "many pushes of one artifact at once leave one complete file" (fun () ->
            task {
                use place = new Place(patterned 300_000)
                let other = place.Folder.Write("other", Array.zeroCreate 300_000)
                use stop = new CancellationTokenSource()
                let known = [ sha256 (patterned 300_000); sha256 (Array.zeroCreate 300_000) ]

                let watcher =
                    Task.Run(fun () ->
                        let mutable seen = 0

                        while not stop.IsCancellationRequested do
                            if File.Exists(place.At "a") then
                                let digest = sha256 (File.ReadAllBytes(place.At "a"))
                                Expect.contains known digest "only whole files have the name"
                                seen <- seen + 1

                        seen)

                let pushes = [
                    for i in 1..40 ->
                        Task.Run<ExportReceipt>(fun () ->
                            place.Replacing.PushAsync("a", (if i % 2 = 0 then other else place.Path)))
                ]

                let! receipts =
                    task {
                        try
                            return! Task.WhenAll pushes
                        finally
                            stop.Cancel()
                    }

                let! seen = watcher
                Expect.isTrue (seen > 0) "the watcher saw files"
                Expect.equal receipts.Length 40 "each has a receipt"
                Expect.equal place.Names [| "a" |] "nothing else is left"
            })

        testCaseTask "a source that changes while it is copied leaves no file" (fun () ->
            task {
                use place = new Place(patterned 2_000_000)
                let mutable reports = 0

                let progress = {
                    new IProgress<ExportProgress> with
                        member _.Report report =
                            if report.BytesSent > 0L && Interlocked.Increment &reports = 1 then
                                File.AppendAllText(place.Path, "more")
                }

                let! failure =
                    failureOf (fun () -> place.Sink.PushAsync(ExportArtifact("a", place.Path), progress))

                Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"
                Expect.isEmpty place.Names "nothing is left"
            })

        testCaseTask "a cancelled push leaves no file" (fun () ->
            task {
                use place = new Place(patterned 2_000_000)
                use stop = new CancellationTokenSource()

                let progress = {
                    new IProgress<ExportProgress> with
                        member _.Report report =
                            if report.BytesSent > 0L then
                                stop.Cancel()
                }

                let push =
                    place.Sink.PushAsync(ExportArtifact("a", place.Path), progress, stop.Token)

                do!
                    task {
                        try
                            let! _ = push
                            failtest "it was not cancelled"
                        with :? OperationCanceledException ->
                            ()
                    }

                Expect.isEmpty place.Names "nothing is left"
            })

        testCaseTask "a full disk and a read-only one are reported as such" (fun () ->
            smallDisk (fun disk ->
                task {
                    use folder = new Folder()
                    let large = folder.Write("large", patterned 200_000)
                    let small = folder.Write("small", patterned 100)
                    let sink = new LocalExportSink(options disk)
                    let! full = failureOf (fun () -> sink.PushAsync("large", large))
                    Expect.equal full.Kind ExportFailureKind.LocalFault full.Message
                    Expect.stringContains full.Message "the disk is full" "why"
                    Expect.isEmpty (Directory.GetFiles(Path.Combine(disk, cellId))) "nothing is left"
                    let! _ = sink.PushAsync("small", small)
                    Expect.isTrue (run "mount" [ "-o"; "remount,ro"; disk ]) "remount"
                    let! readOnly = failureOf (fun () -> sink.PushAsync("b", small))
                    Expect.equal readOnly.Kind ExportFailureKind.Refused readOnly.Message
                    Expect.stringContains readOnly.Message "read-only" "why"
                }))

        testCaseTask "what is wrong with a source or a folder is reported as such" (fun () ->
            task {
                use place = new Place(patterned 11)

                let! missing =
                    failureOf (fun () -> place.Sink.PushAsync("a", place.Folder.At "none"))

                Expect.equal missing.Kind ExportFailureKind.SourceNotFound "missing"
                let link = place.Folder.At "link"
                File.CreateSymbolicLink(link, place.Path) |> ignore
                let! linked = failureOf (fun () -> place.Sink.PushAsync("a", link))
                Expect.equal linked.Kind ExportFailureKind.SourceNotAFile "a link"

                let bounded =
                    new LocalExportSink(
                        LocalExportSinkOptions(Root = place.Root, CellId = cellId, MaxArtifactBytes = 10L)
                    )

                let! large = failureOf (fun () -> bounded.PushAsync("a", place.Path))
                Expect.equal large.Kind ExportFailureKind.SourceTooLarge "too large"

                let! inFile =
                    failureOf (fun () ->
                        (new LocalExportSink(place.Path, cellId)).PushAsync("a", place.Path))

                Expect.equal inFile.Kind ExportFailureKind.Refused inFile.Message
            })

        testCaseTask "names with '/' and other unsafe ones are refused before anything is done" (fun () ->
            task {
                use place = new Place(patterned 1)

                for name in [ "a/b"; "~a"; "a..b"; ".cellos-export-1.part" ] do
                    Expect.throwsT<ArgumentException>
                        (fun () -> place.Sink.DestinationHint name |> ignore)
                        name

                    Expect.throwsT<ArgumentException>
                        (fun () -> place.Sink.PushAsync(name, place.Path).GetAwaiter().GetResult() |> ignore)
                        name

                Expect.isFalse (Directory.Exists place.Root) "nothing was made"
            })

        testCaseTask "a batch exports each artifact, and refuses two of one name" (fun () ->
            task {
                use place = new Place(patterned 10)

                let artifacts = [ for i in 1..20 -> ExportArtifact($"a{i}", place.Path) ]

                let results = ResizeArray()
                let all = place.Sink.PushManyAsync artifacts
                let e = all.GetAsyncEnumerator()
                let mutable more = true

                while more do
                    let! next = e.MoveNextAsync()
                    more <- next

                    if more then
                        results.Add e.Current

                Expect.all results _.IsExported "each"
                Expect.hasLength place.Names 20 "files"

                Expect.throwsT<ArgumentException>
                    (fun () -> place.Sink.PushManyAsync(artifacts @ [ artifacts.Head ]) |> ignore)
                    "one name twice"
            })

        test "all that is wrong with options is reported at once" {
            let problem =
                try
                    new LocalExportSink(
                        LocalExportSinkOptions(
                            Root = " ",
                            CellId = "a/b",
                            MaxArtifactBytes = -1L,
                            TargetName = "-"
                        )
                    )
                    |> ignore

                    ""
                with :? ArgumentException as error ->
                    error.Message

            for word in [ "export folder"; "cell id"; "largest artifact size"; "target name" ] do
                Expect.stringContains problem word ""
        }
    ]
