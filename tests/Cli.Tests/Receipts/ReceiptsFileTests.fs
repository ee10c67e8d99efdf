module Cli.Tests.ReceiptsFileTests

open System
open System.IO
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3.Cli
open CellOS.Export.S3.Files
open CellOS.Export.S3.Cli.Receipts
open CellOS.Export.S3.Core
open CellOS.Export.S3.Source
open Cli.Tests.Support
open Expecto
open Microsoft.Win32.SafeHandles

/// open(2), which asks for no lock, as .NET does.
[<DllImport("libc", EntryPoint = "open")>]
extern int private openPath(string path, int flags)

let private openWith (notes: ResizeArray<string>) (path: string) =
    ReceiptsFile.Open(path, false, Action<string> notes.Add)

let private openQuietly path = openWith (ResizeArray()) path

let private has (file: ReceiptsFile) name =
    Resume.isDone file.Receipted "" "c" name $"s3://b/c/{name}" 3L (String('a', 64)) None

let private append (file: ReceiptsFile) name =
    file.AppendAsync(line name, CancellationToken.None)

/// The sentence that opening is refused with.
let private refusal (path: string) =
    try
        let opened = openQuietly path
        opened.DisposeAsync().AsTask().Wait()
        failtest $"{path} was opened"
    with :? RefusedException as refused ->
        refused.Message

let private failure (appended: Task) : Task<string> =
    task {
        let! message =
            task {
                try
                    do! appended
                    return None
                with :? IOException as e ->
                    return Some e.Message
            }

        return Expect.wantSome message "a failure"
    }

/// Played by a process of its own: appends as fast as it can, and tells of each line that is on disk.
let appendForEver (path: string) =
    task {
        let file = openQuietly path
        let told = obj ()

        let worker (number: int) =
            task {
                let mutable count = 0

                while true do
                    let name = $"{Environment.ProcessId}-{number}-{count}"
                    count <- count + 1
                    do! append file name

                    lock told (fun () ->
                        Console.WriteLine name
                        Console.Out.Flush())
            }

        let! _ = Task.WhenAny [ for number in 1..4 -> worker number :> Task ]
        return 1
    }

/// A file in memory that fails on demand.
type private Store(content: byte[]) =
    let mutable bytes = content
    /// How many bytes of a write still arrive before it fails.
    member val Room = Int32.MaxValue with get, set
    member val CutFails = false with get, set
    member val FlushFails = false with get, set
    member val Flushes = 0 with get, set
    /// The bytes that outlive a loss of power.
    member val OnDisk = content with get, set
    member val Gate: ManualResetEventSlim | null = null with get, set
    /// How many writes have begun.
    member val Writes = 0 with get, set
    member _.Bytes = bytes
    member _.Text = Text.Encoding.UTF8.GetString bytes

    /// The time of the last change, in whatever steps the test wants.
    member val Changed = 1L with get, set

    /// As another program does it, which asks for no lock.
    member _.Overwrite(offset: int, text: string) =
        Text.Encoding.UTF8.GetBytes(text).CopyTo(bytes, offset)

    interface ILockedFile with
        member this.Stamp =
            FileStamp(bytes.LongLength, this.Changed, this.Changed, FileId(1UL, 1UL))

        member _.IsInPlace = true
        member _.Dispose() = ()

        member _.Read(buffer, offset) =
            let count = min buffer.Length (bytes.Length - int offset)
            bytes.AsSpan(int offset, count).CopyTo buffer
            count

        member this.Write(more, offset) =
            this.Writes <- this.Writes + 1

            match this.Gate with
            | null -> ()
            | gate -> gate.Wait()

            let arrives = min more.Length this.Room

            bytes <-
                Array.concat [
                    Array.take (int offset) bytes
                    more.Slice(0, arrives).ToArray()
                    Array.skip (min bytes.Length (int offset + arrives)) bytes
                ]

            if arrives < more.Length then
                raise (IOException "No space left on device")

        member this.Cut length =
            if this.CutFails then
                raise (IOException "Input/output error")

            bytes <- Array.take (int length) bytes

        member this.Flush() =
            if this.FlushFails then
                raise (IOException "Input/output error")

            this.Flushes <- this.Flushes + 1
            this.OnDisk <- bytes

let private over (store: Store) =
    ReceiptsFile.Open(store, "'r'", false, ignore)

let private utf8 (text: string) = Text.Encoding.UTF8.GetBytes text

[<Tests>]
let tests =
    testList "the receipts file" [
        testCaseTask "is made where there is none, and holds what was appended" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.At "receipts.jsonl"

                do!
                    task {
                        use file = openQuietly path
                        Expect.equal file.Receipted.Count 0 "nothing yet"
                        do! append file "a"
                        Expect.equal (textOf path) (line "a" + "\n") "at once"
                        do! append file "b"
                    }

                use file = openQuietly path
                Expect.isTrue (has file "a" && has file "b") "both"
                Expect.isFalse (has file "c") "no other"
            })

        testCaseTask "is one process's at a time" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.At "receipts.jsonl"

                do!
                    task {
                        use _ = openQuietly path
                        Expect.stringContains (refusal path) "in use by another process" "held"
                    }

                use _ = openQuietly path
                ()
            })

        testCaseTask "a file that is released within a moment is waited for" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.At "receipts.jsonl"
                let held = openQuietly path

                let released =
                    task {
                        do! Task.Delay 100
                        do! held.DisposeAsync()
                    }

                use file = openQuietly path
                do! append file "a"
                do! released
                Expect.equal (textOf path) (line "a" + "\n") "opened and written"
            })

        testCase "a path that cannot be one is refused in a sentence, and nothing is made" (fun () ->
            use folder = new Folder()
            File.CreateSymbolicLink(folder.At "dangling", folder.At "nowhere") |> ignore
            File.CreateSymbolicLink(folder.At "to-folder", folder.Path) |> ignore
            File.CreateSymbolicLink(folder.At "loop", folder.At "loop") |> ignore
            pipe (folder.At "pipe")

            use socket =
                new Net.Sockets.Socket(
                    Net.Sockets.AddressFamily.Unix,
                    Net.Sockets.SocketType.Stream,
                    Net.Sockets.ProtocolType.Unspecified
                )

            socket.Bind(Net.Sockets.UnixDomainSocketEndPoint(folder.At "socket"))

            File.CreateSymbolicLink(folder.At "to-pipe", folder.At "pipe") |> ignore

            for path, told in
                [
                    folder.At "socket", "is a socket"
                    folder.At "to-pipe", "is a pipe"
                    $"/proc/self/fd/{socket.Handle}", "is a socket"
                    folder.Path, "is a folder"
                    folder.At "no/such/receipts", "there is no folder"
                    folder.At "dangling", "symbolic link to nowhere"
                    folder.At "to-folder", "is a folder"
                    folder.At "loop", "cannot be opened"
                    folder.At "pipe", "is a pipe"
                    "/dev/full", "is a device"
                    folder.At "a\000b", "NUL"
                ] do
                Expect.stringContains (refusal path) told path

            Expect.isFalse (File.Exists(folder.At "nowhere")) "nothing was made")

        testCase "a file that may not be written is refused" (fun () ->
            if Environment.IsPrivilegedProcess then
                skiptest "everything may be written by this user"

            use folder = new Folder()
            let path = folder.Write("receipts", "")
            File.SetUnixFileMode(path, UnixFileMode.UserRead)
            Expect.stringContains (refusal path) "may not be written" "refused")

        testCaseTask "a link to a file is that file" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("receipts", line "a" + "\n")
                File.CreateSymbolicLink(folder.At "link", path) |> ignore

                do!
                    task {
                        use file = openQuietly (folder.At "link")
                        Expect.isTrue (has file "a") "read"
                        do! append file "b"
                    }

                Expect.equal (textOf path) (line "a" + "\n" + line "b" + "\n") "written"

            })

        testCaseTask "a torn last line is mended or cut off, and told" (fun () ->
            task {
                for torn, kept, told in
                    [
                        (line "b").Substring(0, 40), "", "torn line of 40 bytes"
                        (line "b").Substring(0, 50),
                        (line "b").Substring(0, 50) + "\n",
                        "a later upload of s3://b/c/b, so earlier receipts of that object do not count"
                        "\000\000\000", "", "torn line of 3 bytes"
                        line "b", line "b" + "\n", "had no line end, which was added"
                        line "b" + "\000", line "b" + "\n", "had no line end, which was added"
                    ] do
                    use folder = new Folder()
                    let path = folder.Write("receipts", line "a" + "\n" + torn)
                    let notes = ResizeArray()

                    do!
                        task {
                            use file = openWith notes path
                            Expect.isTrue (has file "a") "the line before it"
                            Expect.equal (has file "b") (kept.EndsWith "}\n") "the last one, if it was whole"
                            do! append file "c"
                        }

                    let notes = String.Join("\n", notes)
                    Expect.stringContains notes told "told"

                    Expect.equal
                        (notes.Contains "is cut off: an earlier run may have ended")
                        (kept <> "" && not (kept.EndsWith "}\n"))
                        "a line that is kept and is not whole"

                    Expect.equal (textOf path) (line "a" + "\n" + kept + line "c" + "\n") "whole lines only"
            })

        testCaseTask "a whole value of JSON at the end is kept, and what is cut off is shown" (fun () ->
            task {
                let foreign = """{"targetKind":"webdav","note":"precious"}"""

                for ending, kept, told in
                    [
                        line "b" + line "c", true, "2 parts"
                        line "b" + ",", true, "had no line end, which was added"
                        foreign, true, "had no line end, which was added"
                        (line "b").Substring(0, 40), false, (line "b").Substring(0, 40)
                    ] do
                    use folder = new Folder()
                    let path = folder.Write("receipts", line "a" + "\n" + ending)
                    let notes = ResizeArray()

                    do!
                        task {
                            use file = openWith notes path
                            Expect.isTrue (has file "a") "the line before it"
                            Expect.equal (has file "b") (kept && ending <> foreign) "a whole receipt"
                            Expect.equal (has file "c") (ending.Contains(line "c")) "the one behind it"
                            do! append file "d"
                        }

                    Expect.stringContains (String.Join("\n", notes)) told "told"

                    Expect.equal
                        (textOf path)
                        (line "a" + "\n" + (if kept then ending + "\n" else "") + line "d" + "\n")
                        "no byte of a whole value is lost"
            })

        testCase "a damaged line takes back earlier receipts, with a note" (fun () ->
            use folder = new Folder()
            let damaged = (line "b").Substring(0, 40)

            let path =
                folder.Write("receipts", line "a" + "\n" + damaged + "\n" + line "c" + "\n")

            let notes = ResizeArray()
            let file = openWith notes path

            Expect.equal
                [ for name in [ "a"; "c" ] -> has file name ]
                [ false; true ]
                "the one behind it counts"

            file.DisposeAsync().AsTask().Wait()
            Expect.stringContains (String.Join("\n", notes)) "line 2, is damaged" "which line"
            Expect.stringContains (String.Join("\n", notes)) "receipts before it do not count" "what follows")

        testCase "a repair is on disk before the file is used" (fun () ->
            for torn, repaired in
                [
                    line "b", line "a" + "\n" + line "b" + "\n"
                    line "b" + "\r", line "a" + "\n" + line "b" + "\r\n"
                    (line "b").Substring(0, 40), line "a" + "\n"
                    "\000\000", line "a" + "\n"
                ] do
                let store = new Store(utf8 (line "a" + "\n" + torn))
                over store |> ignore
                Expect.equal store.Text repaired "repaired"
                Expect.equal (Text.Encoding.UTF8.GetString store.OnDisk) repaired "and flushed")

        testCase "an fsync that fails is an error; a file without fsync is not" (fun () ->
            use folder = new Folder()
            // A descriptor that is for its path alone cannot be flushed (EBADF).
            use pathOnly = LinuxFile.OpenFolder(folder.Path, followLink = false)
            Expect.throwsT<IOException> (fun () -> LinuxPath.Flush pathOnly) "the error is reported"
            use readable = File.OpenHandle(folder.Write("f", "x"))
            LinuxPath.Flush readable
            use zero = File.OpenHandle "/dev/zero"
            LinuxPath.Flush zero)

        testCase "an fsync of a file that answers EROFS is a failure, and that of a folder is not" (fun () ->
            for error, ofFile, ofFolder in
                [
                    4, false, false // EINTR
                    22, false, false // EINVAL
                    30, true, false // EROFS
                    5, true, true // EIO
                    9, true, true // EBADF
                    28, true, true // ENOSPC
                    122, true, true // EDQUOT
                    1, true, true
                ] do
                Expect.equal
                    (LinuxPath.IsFlushFailure(error, false), LinuxPath.IsFlushFailure(error, true))
                    (ofFile, ofFolder)
                    $"errno {error}")

        testCase "a repair that does not reach the disk is a refusal" (fun () ->
            for torn in [ line "b"; "{" ] do
                let store = new Store(utf8 (line "a" + "\n" + torn))
                store.FlushFails <- true

                Expect.throwsT<RefusedException> (fun () -> over store |> ignore) torn)

        testCaseTask "lines that are no receipts are told by their numbers, and stay" (fun () ->
            task {
                use folder = new Folder()
                let before = line "a" + "\nnonsense\n\n{\"x\":1}\r\n" + line "b" + "\n"
                let path = folder.Write("receipts", before)
                let notes = ResizeArray()

                do!
                    task {
                        use file = openWith notes path
                        Expect.isTrue (has file "a" && has file "b") "the others count"
                        do! append file "c"
                    }

                Expect.hasLength notes 2 "two of them"
                Expect.stringContains notes[0] "line 2" "the first"
                Expect.stringContains notes[1] "line 4" "the second"
                Expect.equal (textOf path) (before + line "c" + "\n") "as they were"
            })

        testCase "a file that is something else is refused, and left alone" (fun () ->
            use folder = new Folder()
            let text = "export:\n  targets: []"
            let path = folder.Write("cell.yaml", text)
            Expect.stringContains (refusal path) "not the beginning of a receipt" "refused"
            Expect.equal (textOf path) text "not a byte changed"
            let image = folder.Write("disk.img", String('\000', 4096))
            Expect.stringContains (refusal image) "contains nothing but NULs" "refused"
            Expect.equal (FileInfo image).Length 4096L "not a byte changed")

        testCase "a file of whole lines, none of them a receipt, is something else too" (fun () ->
            for text in
                [
                    "export:\n  targets: []\n"
                    "evidence\n\000\000"
                    String.replicate 100_000 "a line\n"
                ] do
                use folder = new Folder()
                let path = folder.Write("stdout.txt", text)
                let notes = ResizeArray()

                Expect.throwsT<RefusedException> (fun () -> openWith notes path |> ignore) "refused"
                Expect.stringContains (refusal path) "contains no receipt" "said so"
                Expect.isEmpty notes "once"
                Expect.equal (textOf path) text "not a byte changed")

        testCaseTask
            "of many lines that are no receipts some are told, and how many more there are"
            (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.Write("r", line "a" + "\n" + String.replicate 1000 "nonsense\n")
                    let notes = ResizeArray()
                    use _ = openWith notes path
                    Expect.hasLength notes 21 "not a thousand"
                    Expect.stringContains notes[20] "980 more" "the rest"
                })

        testCaseTask "appenders at the same time share a flush, and every line is there" (fun () ->
            task {
                let store = new Store([||])
                use gate = new ManualResetEventSlim(false)
                store.Gate <- gate
                let file = over store
                let first = append file "1"
                // It is being written, so the others wait for that, and for each other.
                let isWriting () = store.Writes = 1

                Expect.isTrue
                    (SpinWait.SpinUntil(isWriting, TimeSpan.FromSeconds 20.))
                    "the first is being written"

                let appended = first :: [ for number in 2..100 -> append file $"{number}" ]
                Expect.isFalse (appended |> List.exists _.IsCompleted) "none is on disk"
                gate.Set()
                do! Task.WhenAll(appended).WaitAsync(TimeSpan.FromSeconds 20.)
                do! file.DisposeAsync()
                Expect.equal store.Flushes 2 "one for the first, and one for all the others"

                Expect.sequenceEqual
                    (store.Text.TrimEnd('\n').Split '\n' |> Array.sort)
                    ([| for number in 1..100 -> line $"{number}" |] |> Array.sort)
                    "every line once"
            })

        testCaseTask "a failed write is taken back, and nothing follows it" (fun () ->
            task {
                let store = new Store(utf8 (line "a" + "\n"))
                use file = over store
                do! append file "b"
                store.Room <- 10
                let! message = failure (append file "c")
                Expect.stringContains message "No space left on device" "why"
                Expect.equal store.Text (line "a" + "\n" + line "b" + "\n") "whole lines"
                store.Room <- Int32.MaxValue
                let! again = failure (append file "d")
                Expect.equal again message "the same sentence"
                Expect.equal store.Text (line "a" + "\n" + line "b" + "\n") "nothing followed"
            })

        testCaseTask "a failed flush counts as a failed write" (fun () ->
            task {
                let store = new Store([||])
                use file = over store
                store.FlushFails <- true
                let! message = failure (append file "a")
                Expect.stringContains message "Input/output error" "why"
            })

        testCaseTask "half a line that cannot be taken back stays the last one" (fun () ->
            task {
                let store = new Store([||])
                let file = over store
                store.Room <- 10
                store.CutFails <- true
                let! message = failure (append file "a")
                Expect.stringContains message "nor could the torn line be cut off" "said so"
                store.Room <- Int32.MaxValue
                store.CutFails <- false
                let! _ = failure (append file "b")
                Expect.equal store.Bytes.Length 10 "nothing follows it"
                do! file.DisposeAsync()

                use again = over store
                do! append again "c"
                Expect.equal store.Text (line "c" + "\n") "and the next one mends it"
            })

        testCaseTask "a file that another program wrote to is not written over" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.At "receipts"
                use file = openQuietly path
                do! append file "a"
                // Locks are advisory; a shell's redirection asks for none.
                shell "echo other >> \"$0\"" path |> ignore
                let! message = failure (append file "b")
                Expect.stringContains message "another program" "said so"
                Expect.equal (textOf path) (line "a" + "\nother\n") "both lines"
            })

        testCaseTask
            "a file that another program wrote over, with the same length, takes no more receipts"
            (fun () ->
                task {
                    for overwrite in
                        [
                            "printf x | dd of=\"$0\" conv=notrunc 2>/dev/null"
                            "printf x | dd of=\"$0\" conv=notrunc 2>/dev/null; touch -d @0 \"$0\""
                        ] do
                        use folder = new Folder()
                        let path = folder.At "receipts"
                        use file = openQuietly path
                        do! append file "a"
                        shell overwrite path |> ignore
                        let! message = failure (append file "b")
                        Expect.stringContains message "another program has changed it" overwrite
                        Expect.equal (textOf path).Length ((line "a").Length + 1) "nothing follows"
                })

        testCaseTask
            "a file that another program wrote over after the last receipt is reported at the end"
            (fun () ->
                task {
                    for isNotedByClock in [ true; false ] do
                        let store = new Store(utf8 (line "a" + "\n"))
                        use file = over store
                        do! append file "b"
                        do! file.CompleteAsync()
                        store.Overwrite(3, "x")

                        if isNotedByClock then
                            store.Changed <- 2L

                        let! message = failure (file.CompleteAsync())
                        Expect.stringContains message "another program has changed it" "the reason"
                        Expect.stringContains message "--resume" "what to do"
                })

        testCaseTask "another stamp of the same content, and a coarse clock, are no alarm" (fun () ->
            task {
                let store = new Store([||])
                use file = over store
                do! append file "a"
                // All within one step of the clock.
                do! append file "b"
                // Another owner or mode, or a file system that stamps late.
                store.Changed <- 2L
                do! append file "c"
                store.Changed <- 3L
                do! file.CompleteAsync()

                Expect.equal
                    store.Text
                    (String.concat "" [ for name in [ "a"; "b"; "c" ] -> line name + "\n" ])
                    "all"

                use folder = new Folder()
                let path = folder.At "receipts"
                use file = openQuietly path

                for name in [ "a"; "b"; "c" ] do
                    do! append file name
                    shell "chmod 600 \"$0\"; touch \"$0\"" path |> ignore

                do! file.CompleteAsync()
            })

        testCaseTask "a file that another program took away gets no receipts unnoticed" (fun () ->
            task {
                for script in
                    [
                        "rm \"$0\""
                        "mv \"$0\" \"$0.1\""
                        "echo other > \"$0.new\" && mv \"$0.new\" \"$0\""
                    ] do
                    use folder = new Folder()
                    let path = folder.At "receipts"
                    use file = openQuietly path
                    do! append file "a"
                    shell script path |> ignore
                    let! message = failure (append file "b")
                    Expect.stringContains message "removed or replaced" script
            })

        testCaseTask "a file that is deleted under a descriptor gets no receipts unnoticed" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("receipts", "")

                use descriptor = new SafeFileHandle(nativeint (openPath (path, 2)), true)

                use file = openQuietly $"/proc/self/fd/{descriptor.DangerousGetHandle()}"
                do! append file "a"
                File.Delete path
                let! message = failure (append file "b")
                Expect.stringContains message "removed or replaced" "noticed"
            })

        testCaseTask "who stops waiting is let go" (fun () ->
            task {
                let store = new Store([||])
                use gate = new ManualResetEventSlim(false)
                store.Gate <- gate
                let file = over store
                use source = new CancellationTokenSource()
                let appended = file.AppendAsync(line "a", source.Token)
                do! source.CancelAsync()
                let! ended = Task.WhenAny(appended, Task.Delay 20_000)
                Expect.isTrue (obj.ReferenceEquals(ended, appended) && appended.IsCanceled) "cancelled"
                gate.Set()
                do! file.DisposeAsync()
                Expect.equal store.Text (line "a" + "\n") "and the line is there all the same"
            })

        testCase "two lines are no line" (fun () ->
            let file = over (new Store([||]))

            Expect.throwsT<ArgumentException>
                (fun () -> file.AppendAsync("a\nb", CancellationToken.None) |> ignore)
                "refused")

        testCaseTask "a killed process leaves every line that it told of" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.At "receipts"
                let told = ResizeArray<string>()

                for round in 1..4 do
                    use child = playing "append" [ path ]

                    for _ in 1 .. 20 * round do
                        let! name = child.ReadLine()
                        told.Add(nonNull name)

                    child.Signal 9
                    let! struct (_, rest, _) = child.End()
                    // The last one may be cut off; it has a line end otherwise.
                    told.AddRange(rest.Split '\n' |> Seq.rev |> Seq.skip 1)

                    use file = openQuietly path
                    Expect.isEmpty (told |> Seq.filter (has file >> not)) "none is lost"

                Expect.isTrue ((textOf path).EndsWith '\n') "whole lines"
            })

        testCaseTask "a hundred thousand receipts are read in one go" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.At "receipts"

                do!
                    task {
                        use writer = new StreamWriter(path)

                        for number in 1..100_000 do
                            writer.Write(line $"{number}")
                            writer.Write '\n'
                    }

                use file = openQuietly path
                Expect.equal file.Receipted.Count 100_000 "all"
                Expect.isTrue (has file "1" && has file "100000") "from the first to the last"
            })
    ]
