module Facade.Tests.SourceTests

open System
open System.IO
open System.Net.Http
open System.Net.Sockets
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core
open CellOS.Export.S3.Source
open Expecto
open Facade.Tests.Support
open LoopbackS3
open Microsoft.Win32.SafeHandles

module private Native =
    /// Changes the user as whom this thread opens files, and only this thread (setfsuid(2)).
    [<DllImport("libc")>]
    extern int setfsuid(uint32 user)

/// A push of a source that must not leave a trace on the server.
let private refused (make: Folder -> string) =
    task {
        use! scene = scene "a" [||]
        let path = make scene.Folder
        use sink = sinkFor scene.Url
        let! failure = failureOf (fun () -> sink.PushAsync("a", path))
        Expect.isEmpty scene.Puts "nothing was sent"
        Expect.equal failure.Attempts 0 "no attempt"
        Expect.isFalse failure.MayBeStored "certainly not sent"
        Expect.stringContains failure.Message path "the path"
        return failure
    }

/// A push during which the file is touched after the server has read part of it.
let private touched (content: byte[]) (touch: string -> unit) =
    task {
        use folder = new Folder()
        let path = folder.Write("f", content)
        File.SetLastWriteTimeUtc(path, DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc))
        let body = new MemoryStream()

        use sink =
            scriptedSink (optionsFor "http://gateway.example/x") TimeProvider.System 0. (fun request _ ->
                task {
                    let touched = ref false

                    use stream =
                        new ReceivingStream(fun bytes _ ->
                            body.Write bytes.Span

                            if not touched.Value then
                                touched.Value <- true
                                touch path

                            Task.CompletedTask)

                    do! (nonNull request.Content).CopyToAsync stream
                    return new HttpResponseMessage(Net.HttpStatusCode.OK)
                })

        let! failure = failureOf (fun () -> sink.PushAsync("a", path))
        return failure, body.ToArray()
    }

/// Disturbs the file when the first attempt has ended in the given way, and lets the second one through.
let private betweenAttemptsAfter (fault: Fault) (scene: Scene) (disturb: string -> unit) =
    task {
        scene.Server.Misbehave(bucket, scene.Key, fault)

        let options =
            PresignedS3ExportSinkOptions(
                PresignedUrl = scene.Url,
                CellId = cellId,
                Bucket = bucket,
                RetryBackoff = TimeSpan.FromMilliseconds 700.
            )

        let attempted = TaskCompletionSource()

        let log = {
            new Microsoft.Extensions.Logging.ILogger<PresignedS3ExportSink> with
                member _.BeginScope _ = null
                member _.IsEnabled _ = true
                member _.Log(_, _, _, _, _) = attempted.TrySetResult() |> ignore
        }

        use sink = new PresignedS3ExportSink(options, TimeProvider.System, log)
        let push = sink.PushAsync(scene.Artifact, scene.Path)
        do! attempted.Task
        disturb scene.Path

        try
            let! receipt = push
            return Ok receipt
        with :? ExportException as failure ->
            return Error failure
    }

let private betweenAttempts scene disturb =
    betweenAttemptsAfter (Fault.Status(503)) scene disturb

/// A time stamp that .NET can put back exactly: it counts in 100 ns, the file system in 1.
let private wholeSecond (path: string) =
    let stamp = DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc)
    File.SetLastWriteTimeUtc(path, stamp)
    stamp

/// Other bytes, as many of them, and the time stamp put back.
let private rewriteInPlace (path: string) (stamp: DateTime) =
    do
        use file = new FileStream(path, FileMode.Open, FileAccess.Write)
        file.Write(Array.zeroCreate<byte> 1000)

    File.SetLastWriteTimeUtc(path, stamp)

/// As of a network file system whose server is gone: no token ends it. `released` lets the test's own thread go.
let private hanging
    : (string *
      (ManualResetEventSlim -> SourceFile.Reader | null) *
      (ManualResetEventSlim -> Func<SafeFileHandle, string, FileStamp> | null)) list = [
    "reading",
    (fun released ->
        SourceFile.Reader(fun _ _ _ ->
            released.Wait()
            0)),
    (fun _ -> null)
    "asking for length and times",
    (fun _ -> null),
    (fun released ->
        Func<_, _, _>(fun handle path ->
            released.Wait()
            SourceFile.Stamp(handle, path)))
]

/// How many of this process's handles are on the folder or on what lies below it.
let private handlesBelow (folder: string) =
    Directory.EnumerateFileSystemEntries "/proc/self/fd"
    |> Seq.filter (fun entry ->
        match FileInfo(entry).LinkTarget with
        | null -> false
        | target -> target.StartsWith(folder, StringComparison.Ordinal))
    |> Seq.length

/// A stamp, with its times in nanoseconds since 1970.
let private stampOf (length: int64) modified changed inode born =
    FileStamp(length, modified, changed, FileId(1UL, inode), Nullable born)

/// The stamp of a file that was changed at this time.
let private stamped (changed: int64) = stampOf 10L 1_000L changed 2UL 500L

let private second = 1_000_000_000L

[<Tests>]
let tests =
    testList "a source" [
        let listed = stamped second

        for name, now, isReplaced in
            [
                "nothing", listed, false
                "other rights", stamped (2L * second), false
                "more bytes", stampOf 11L 2_000L (2L * second) 2UL 500L, false
                "another time of birth, by a file of the same inode number",
                stampOf 10L 1_000L second 2UL 501L,
                true
                "another number, in a file system that counts anew", stampOf 10L 1_000L second 3UL 500L, false
                "another number and length", stampOf 11L 1_000L second 3UL 500L, true
                "another number and time", stampOf 10L 1_001L second 3UL 500L, true
                "another number and time of change", stampOf 10L 1_000L (second + 1L) 3UL 500L, true
            ] do
            testCase $"that has {name} since it was listed is another one: {isReplaced}" (fun () ->
                Expect.equal (listed.IsReplacedBy now) isReplaced "replaced"
                Expect.equal (now.IsReplacedBy listed) isReplaced "either way")

        for name, changed, age, isSettled in
            [
                "an exact time, at once", second + 1L, 0L, false
                "an exact time, after a tick", second + 1L, 10_000_000L, false
                "an exact time, after two ticks", second + 1L, 20_000_100L, true
                "an exact time in the future", second + 1L, -second, false
                "a whole millisecond, after two ticks", second + 1_000_000L, 20_000_100L, false
                "a whole second, after a second", second, second, false
                "a whole second, after two", second, 2L * second, false
                "a whole second, after more than two", second, 2L * second + 100L, true
                "no time of change", 0L, 0L, true
            ] do
            testCase $"shows each later change in its stamp with {name}: {isSettled}" (fun () ->
                let now = DateTimeOffset.UnixEpoch.AddTicks((changed + age) / 100L)
                Expect.equal ((stamped changed).IsSettled now) isSettled "settled")

        for name, isFresh in [ "just before it was opened", true; "long before", false ] do
            testCase
                $"that was changed {name} is read once more, since its stamp need not show a change: {isFresh}"
                (fun () ->
                    use folder = new Folder()
                    let path = folder.Write("f", "evidence"B)
                    let stamp = ref Unchecked.defaultof<FileStamp>

                    let clock = {
                        new TimeProvider() with
                            member _.GetUtcNow() =
                                if isFresh then
                                    DateTimeOffset.UnixEpoch
                                else
                                    DateTimeOffset.UtcNow.AddDays 1.
                    }

                    let reads = ref 0

                    let read =
                        SourceFile.Reader(fun handle buffer offset ->
                            reads.Value <- reads.Value + 1
                            RandomAccess.Read(handle, buffer.Span, offset))

                    // The clock of the file system has not moved on.
                    let look = Func<_, _, _>(fun _ _ -> stamp.Value)
                    use source = SourceFile.Open(path, read, look, clock)

                    do
                        use handle = File.OpenHandle path
                        stamp.Value <- SourceFile.Stamp(handle, path)

                    source.TakeDigests([ DigestAlgorithm.Sha256 ], ignore, CancellationToken.None)
                    |> ignore
                    // Each reading ends with a try to read more.
                    Expect.equal reads.Value (if isFresh then 3 else 2) "the number of reads"

                    let change () =
                        let rewrite =
                            SourceFile.Reader(fun handle buffer offset ->
                                let count = RandomAccess.Read(handle, buffer.Span, offset)
                                File.WriteAllText(path, "REWRITES")
                                count)

                        use source = SourceFile.Open(path, rewrite, look, clock)

                        source.TakeDigests([ DigestAlgorithm.Sha256 ], ignore, CancellationToken.None)
                        |> ignore

                    if isFresh then
                        let error =
                            try
                                change ()
                                failtest "the change was not seen"
                            with :? SourceException as error ->
                                error

                        Expect.equal error.Kind FaultKind.SourceChanged "the kind"
                    else
                        change ())

        testCaseTask "that is missing" (fun () ->
            task {
                let! failure = refused (fun folder -> folder.At "missing")
                Expect.equal failure.Kind ExportFailureKind.SourceNotFound "kind"
            })

        testCaseTask "below a root, through no link that leads out of it" (fun () ->
            task {
                linuxOnly ()
                use! scene = scene "a" [||]
                let folder = scene.Folder

                for path in [ "root/deep/deeper"; "elsewhere/deeper" ] do
                    Directory.CreateDirectory(folder.At path) |> ignore

                folder.Write("root/f", "f"B) |> ignore
                folder.Write("root/deep/deeper/f", "f"B) |> ignore
                folder.Write("elsewhere/deeper/f", "secret"B) |> ignore
                folder.Write("elsewhere/f", "secret"B) |> ignore

                for link, target in
                    [
                        "root/link", "elsewhere"
                        "root/inner", "root/deep"
                        "root/deep/link", "elsewhere/deeper"
                        "root-link", "root"
                    ] do
                    Directory.CreateSymbolicLink(folder.At link, folder.At target) |> ignore

                File.CreateSymbolicLink(folder.At "root/file-link", folder.At "elsewhere/f")
                |> ignore

                use sink = new PresignedS3ExportSink(optionsFor scene.Url)
                // The operator's own path may be a link.
                use root = ExportRoot.Open(folder.At "root-link")
                let shown path = Path.Join(folder.At "root-link", path)

                for path, kind, said in
                    [
                        "link/f", ExportFailureKind.SourceNotAFile, shown "link" + " is a symbolic link"
                        "link/deeper/f",
                        ExportFailureKind.SourceNotAFile,
                        shown "link" + " is a symbolic link"
                        "inner/deeper/f",
                        ExportFailureKind.SourceNotAFile,
                        shown "inner" + " is a symbolic link"
                        "deep/link/f",
                        ExportFailureKind.SourceNotAFile,
                        shown "deep/link" + " is a symbolic link"
                        "file-link", ExportFailureKind.SourceNotAFile, "is a symbolic link"
                        "deep", ExportFailureKind.SourceNotAFile, "is a folder"
                        "f/f", ExportFailureKind.SourceNotFound, "no folder " + shown "f"
                        "none/f", ExportFailureKind.SourceNotFound, "no folder " + shown "none"
                        "deep/none", ExportFailureKind.SourceNotFound, "no file " + shown "deep/none"
                        "../elsewhere/f", ExportFailureKind.SourceNotAFile, "not a path below"
                        "deep/../f", ExportFailureKind.SourceNotAFile, "not a path below"
                        "deep/./deeper/f", ExportFailureKind.SourceNotAFile, "not a path below"
                        "deep//deeper/f", ExportFailureKind.SourceNotAFile, "not a path below"
                        "f/", ExportFailureKind.SourceNotAFile, "not a path below"
                        folder.At "elsewhere/f", ExportFailureKind.SourceNotAFile, "not a path below"
                        "", ExportFailureKind.SourceNotAFile, "not a path below"
                        "f\000x", ExportFailureKind.SourceNotFound, "no file"
                    ] do
                    let! failure =
                        failureOf (fun () -> sink.PushAsync(ExportArtifact("a", path, Root = root)))

                    Expect.equal failure.Kind kind path
                    Expect.stringContains failure.Message said path
                    Expect.equal failure.Attempts 0 path

                Expect.isEmpty scene.Puts "nothing was sent"
                Expect.equal (handlesBelow folder.Path) 1 "the root, and nothing else"

                let! receipt = sink.PushAsync(ExportArtifact("a", "deep/deeper/f", Root = root))
                Expect.equal receipt.Sha256 (sha256 "f"B) "a file below it"
                Expect.equal (handlesBelow folder.Path) 1 "the root, and nothing else"

                // It is the folder that was opened, whatever its path leads to.
                File.Delete(folder.At "root-link")

                Directory.CreateSymbolicLink(folder.At "root-link", folder.At "elsewhere")
                |> ignore

                let! receipt = sink.PushAsync(ExportArtifact("a", "f", Root = root))
                Expect.equal receipt.Sha256 (sha256 "f"B) "of the root that was opened"
                root.Dispose()
                Expect.equal (handlesBelow folder.Path) 0 "closed"
            })

        testCase "below a root that cannot be opened" (fun () ->
            use folder = new Folder()
            folder.Write("file", [||]) |> ignore
            Directory.CreateSymbolicLink(folder.At "link", folder.Path) |> ignore
            use link = ExportRoot.Open(folder.At "link")
            Expect.equal link.Path (folder.At "link") "a link of the operator's"

            for open', said in
                [
                    (fun () -> ExportRoot.Open(folder.At "none")), "no folder"
                    (fun () -> ExportRoot.Open(folder.At "file")), "no folder"
                    (fun () -> ExportRoot.Open(folder.At "a\000b")), "no file"
                    (fun () -> ExportRoot.Open(folder.At "link", followLink = false)), "is a symbolic link"
                ] do
                let message =
                    try
                        use _ = open' ()
                        failtest "it was opened"
                    with :? IOException as refused ->
                        refused.Message

                Expect.stringContains message said "why"

            Expect.throwsT<ArgumentException> (fun () -> ExportRoot.Open "" |> ignore) "an empty path")

        testCaseTask "whose name goes on after a NUL is not the one before it" (fun () ->
            task {
                use! scene = scene "a" [| 1uy |]
                use sink = new PresignedS3ExportSink(optionsFor scene.Url)
                let! failure = failureOf (fun () -> sink.PushAsync("a", scene.Path + "\000.txt"))
                Expect.equal failure.Kind ExportFailureKind.SourceNotFound "kind"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "below a file that is no folder" (fun () ->
            task {
                let! failure =
                    refused (fun folder -> Path.Combine(folder.Write("file", [||]), "below"))

                Expect.equal failure.Kind ExportFailureKind.SourceNotFound "kind"
            })

        testCaseTask "that is a folder" (fun () ->
            task {
                let! failure = refused _.Path
                Expect.equal failure.Kind ExportFailureKind.SourceNotAFile "kind"
                Expect.stringContains failure.Message "a folder" "what it is"
            })

        testCaseTask "that is a symbolic link, even to a good file" (fun () ->
            task {
                let! failure =
                    refused (fun folder ->
                        let target = folder.Write("target", [| 1uy |])
                        File.CreateSymbolicLink(folder.At "link", target).FullName)

                Expect.equal failure.Kind ExportFailureKind.SourceNotAFile "kind"
                Expect.stringContains failure.Message "symbolic link" "what it is"
            })

        testCaseTask "that is a pipe does not hang the export" (fun () ->
            task {
                linuxOnly ()

                let! failure =
                    refused (fun folder ->
                        pipe (folder.At "pipe")
                        folder.At "pipe")

                Expect.equal failure.Kind ExportFailureKind.SourceNotAFile "kind"
                Expect.stringContains failure.Message "a pipe" "what it is"
            })

        for what, read, look in hanging do
            testCaseTask $"whose file system hangs does not hang the export: {what}" (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.Write("f", patterned 100)
                    use released = new ManualResetEventSlim()
                    use source = SourceFile.Open(path, read released, look released)

                    use content =
                        new SourceContent(source, 100L, [ DigestAlgorithm.Md5 ], Action ignore)

                    use limit = new CancellationTokenSource(TimeSpan.FromMilliseconds 200.)
                    use nowhere = new MemoryStream()

                    let sending () =
                        task {
                            try
                                do! content.CopyToAsync(nowhere, limit.Token)
                                return false
                            with :? OperationCanceledException ->
                                return true
                        }

                    try
                        let! ended = Task.Run<bool>(sending).WaitAsync(TimeSpan.FromSeconds 20.)
                        Expect.isTrue ended "given up when the time is over"
                        Expect.equal nowhere.Length 0L "and nothing was made up"
                    finally
                        released.Set()
                })

        testCaseTask "that is a device" (fun () ->
            task {
                linuxOnly ()
                let! failure = refused (fun _ -> "/dev/zero")
                Expect.equal failure.Kind ExportFailureKind.SourceNotAFile "kind"
                Expect.stringContains failure.Message "/dev/zero is a device" "what it is"
            })

        testCaseTask "that is a socket" (fun () ->
            task {
                linuxOnly ()

                use socket =
                    new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)

                let! failure =
                    refused (fun folder ->
                        socket.Bind(UnixDomainSocketEndPoint(folder.At "socket"))
                        folder.At "socket")

                Expect.equal failure.Kind ExportFailureKind.SourceNotAFile "kind"
                Expect.stringContains failure.Message "is a socket or a device" "what it is"
            })

        testCaseTask "that may not be read" (fun () ->
            task {
                linuxOnly ()
                use! scene = scene "a" [| 1uy |]
                File.SetUnixFileMode(scene.Path, UnixFileMode.None)
                use sink = sinkFor scene.Url

                // Root may read everything, so a thread of this test opens the file as nobody.
                let done' = TaskCompletionSource<ExportException>()

                let thread =
                    Thread(fun () ->
                        let mine = Native.setfsuid 65534u
                        let push = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                        Native.setfsuid (uint32 mine) |> ignore

                        try
                            done'.SetResult(push.GetAwaiter().GetResult())
                        with error ->
                            done'.SetException error)

                thread.Start()
                let! failure = done'.Task
                Expect.equal failure.Kind ExportFailureKind.SourceAccessDenied "kind"
                Expect.stringContains failure.Message scene.Path "the path"
                Expect.isEmpty scene.Puts "nothing was sent"
            })

        for name, path in [ "empty", ""; "with a NUL in it", "a\000b" ] do
            testCaseTask $"whose path is {name} is no crash" (fun () ->
                task {
                    use sink = sinkFor "http://gateway.example/x"
                    let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                    Expect.isTrue (failure.Kind <> ExportFailureKind.Internal) "a failure of the source"
                    Expect.equal failure.Attempts 0 "no attempt"
                })

        testCaseTask "larger than allowed fails before anything is sent" (fun () ->
            task {
                use! scene = scene "a" (patterned 101)

                let sink max =
                    new PresignedS3ExportSink(
                        PresignedS3ExportSinkOptions(
                            PresignedUrl = scene.Url,
                            CellId = cellId,
                            Bucket = bucket,
                            MaxObjectBytes = max
                        )
                    )

                use small = sink 100L
                let! failure = failureOf (fun () -> small.PushAsync("a", scene.Path))
                Expect.equal failure.Kind ExportFailureKind.SourceTooLarge "kind"
                Expect.stringContains failure.Message "101" "how large it is"
                Expect.stringContains failure.Message "100" "how large it may be"
                Expect.isEmpty scene.Puts "nothing was sent"
                use enough = sink 101L
                let! receipt = enough.PushAsync("a", scene.Path)
                receipt |> isTrueOf scene
            })

        testCaseTask "larger than 5 GiB fails before anything is sent" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.At "huge"

                do
                    use file = File.Create path
                    file.SetLength(5L * 1024L * 1024L * 1024L + 1L)

                use sink = sinkFor "http://gateway.example/x"
                let! failure = failureOf (fun () -> sink.PushAsync("a", path))
                Expect.equal failure.Kind ExportFailureKind.SourceTooLarge "kind"
            })

        testList "that changes while it is read is never sent whole:" [
            for name, touch, words in
                [
                    "it grows",
                    (fun (path: string) -> File.AppendAllText(path, "more")),
                    "grew from 300000 to 300004 bytes"
                    "it shrinks",
                    (fun path ->
                        use file = File.OpenWrite path
                        file.SetLength 100_000L),
                    "shrank from 300000 to 100000 bytes"
                    "it is emptied", (fun path -> File.WriteAllBytes(path, [||])), "shrank from 300000"
                    "it is rewritten in place, and its time stamp put back",
                    (fun path -> rewriteInPlace path (DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc))),
                    "was rewritten"
                    "it is rewritten with as many bytes",
                    (fun path -> rewriteInPlace path (DateTime.UtcNow.AddSeconds 5.)),
                    "was written to"
                ] ->
                testCaseTask name (fun () ->
                    task {
                        let! failure, body = touched (patterned 300_000) touch
                        Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"
                        Expect.stringContains failure.Message words "what happened to it"
                        Expect.equal failure.Attempts 1 "not tried again"
                        Expect.isFalse failure.MayBeStored "certainly not sent"
                        Expect.isLessThan body.Length 300_000 "the server never had the whole body"
                    })
        ]

        for name, disturb in
            [
                "replaced under its name",
                (fun (path: string) ->
                    File.Delete path
                    File.WriteAllText(path, "another file under the same name"))
                "deleted", File.Delete
                "renamed", (fun path -> File.Move(path, path + ".old"))
                "given other rights", (fun path -> File.SetUnixFileMode(path, UnixFileMode.UserRead))
            ] do
            testCaseTask $"that is {name} between two attempts is exported as it was opened" (fun () ->
                task {
                    use! scene = scene "a" (patterned 300_000)
                    let! receipt = betweenAttempts scene disturb
                    (Expect.wantOk receipt "a receipt") |> isTrueOf scene
                })

        testCaseTask "that is rewritten between two attempts is not receipted" (fun () ->
            task {
                use! scene = scene "a" (patterned 300_000)
                let stamp = wholeSecond scene.Path
                let! outcome = betweenAttempts scene (fun path -> rewriteInPlace path stamp)
                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"

                Expect.stringContains
                    failure.Message
                    "content changed between two attempts"
                    "only the digest can tell"
            })

        testCaseTask "that is rewritten after an attempt without an answer is not receipted" (fun () ->
            task {
                use! scene = scene "a" (patterned 300_000)
                let stamp = wholeSecond scene.Path

                let! outcome =
                    betweenAttemptsAfter (Fault.ResetAfterBody(store = true)) scene (fun path ->
                        rewriteInPlace path stamp)

                let failure = Expect.wantError outcome "no receipt"
                Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"
                Expect.isTrue failure.MayBeStored "the first attempt's object may be there"
            })

        testCaseTask "whose file system reports no length is not exported as empty" (fun () ->
            task {
                linuxOnly ()

                use sink =
                    scriptedSink
                        (optionsFor "http://gateway.example/x")
                        TimeProvider.System
                        0.
                        (fun request _ ->
                            task {
                                let! _ = drain request
                                return new HttpResponseMessage(Net.HttpStatusCode.OK)
                            })

                let! failure = failureOf (fun () -> sink.PushAsync("a", "/proc/cpuinfo"))
                Expect.equal failure.Kind ExportFailureKind.SourceChanged "kind"
                Expect.stringContains failure.Message "had more than its 0 bytes to read" "what there was"
            })
    ]
