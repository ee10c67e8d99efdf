/// The source guard from within: how a file is opened, held, read and let go.
module Facade.Tests.GuardTests

open System
open System.Collections.Generic
open System.IO
open System.Net.Http
open System.Runtime.InteropServices
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3.Core
open CellOS.Export.S3.Source
open Expecto
open Facade.Tests.Support
open Microsoft.Win32.SafeHandles

/// The flags of open(2) as the kernel keeps them (proc_pid_fdinfo(5)).
let private flagsOf (handle: SafeFileHandle) =
    File.ReadAllLines $"/proc/self/fdinfo/{handle.DangerousGetHandle()}"
    |> Array.pick (fun line ->
        if line.StartsWith("flags:", StringComparison.Ordinal) then
            Some(Convert.ToInt32(line.Substring(6).Trim(), 8))
        else
            None)

/// How many handles of this process are open on a file or folder.
let private handlesOn (path: string) =
    Directory.EnumerateFileSystemEntries "/proc/self/fd"
    |> Seq.filter (fun entry -> FileInfo(entry).LinkTarget = path)
    |> Seq.length

/// The guard's complaint.
let private complaint (work: unit -> Task) =
    task {
        try
            do! work ()
            return failtest "no complaint"
        with :? SourceException as exception' ->
            return exception'
    }

let private ensure (source: SourceFile) moved =
    let digest = Hasher.Of(DigestAlgorithm.Sha256, ReadOnlySpan(patterned 10))
    source.EnsureUnchanged(digest, (fun () -> moved ()), CancellationToken.None)

/// Reads a file as an attempt does; gives how far the content said it was before each piece.
let private copy (content: SourceContent) =
    task {
        let body = new MemoryStream()
        let before = List<int64>()

        use stream =
            new ReceivingStream(fun bytes _ ->
                before.Add content.BytesSent
                body.Write bytes.Span
                Task.CompletedTask)

        do! content.CopyToAsync stream
        return body.ToArray(), List.ofSeq before
    }

[<Tests>]
let tests =
    testList "the source guard" [
        testCase "opens without waiting, through no link, and for no child process" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let path = folder.Write("f", [||])

            // open(2): O_NONBLOCK, O_CLOEXEC, and O_NOFOLLOW, which differs.
            let always = 0o4000 ||| 0o2000000

            let noFollow =
                match RuntimeInformation.ProcessArchitecture with
                | Architecture.Arm
                | Architecture.Arm64 -> 0o100000
                | _ -> 0o400000

            use handle = LinuxFile.Open path
            let flags = flagsOf handle
            Expect.equal (flags &&& 3) 0 "for reading only"
            Expect.equal (flags &&& always) always "the flags"
            Expect.equal (flags &&& noFollow) noFollow "no link"
            use operators = LinuxFile.Open(path, true)
            Expect.equal (flagsOf operators &&& (always ||| noFollow)) always "a link of the operator's")

        testCase "tells the time of the last change to the nanosecond" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let path = folder.Write("f", patterned 10)
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddTicks 17_776_368_001_234_567L)
            use handle = LinuxFile.Open path
            let stamp = LinuxFile.Stamp(handle, path)
            Expect.equal stamp.Modified 1_777_636_800_123_456_700L "modified"
            Expect.equal stamp.Length 10L "length"

            Expect.isGreaterThan
                stamp.Changed
                (DateTimeOffset.UtcNow.AddHours(-1.).ToUnixTimeMilliseconds() * 1_000_000L)
                "changed just now")

        testCaseTask "holds no handle when it has refused, nor when the push has ended" (fun () ->
            task {
                linuxOnly ()
                use! scene = scene "a" (patterned 10)

                let refusal () =
                    SourceFile.Open scene.Folder.Path |> ignore

                Expect.throwsT<SourceException> refusal "a folder"
                Expect.equal (handlesOn scene.Folder.Path) 0 "of the folder"

                let source = SourceFile.Open scene.Path
                Expect.equal (handlesOn scene.Path) 1 "while it is open"
                source.Dispose()
                Expect.equal (handlesOn scene.Path) 0 "when it has been disposed of"

                use sink = sinkFor scene.Url
                let! _ = sink.PushAsync("a", scene.Path)
                Expect.equal (handlesOn scene.Path) 0 "after a receipt"
                scene.Server.MisbehaveAlways(bucket, scene.Key, LoopbackS3.Fault.Status 403)
                let! _ = failureOf (fun () -> sink.PushAsync("a", scene.Path))
                Expect.equal (handlesOn scene.Path) 0 "after a failure"
            })

        // A regular file of which no byte can be read (proc_pid_mem(5)).
        testCaseTask "says why a file cannot be read" (fun () ->
            task {
                linuxOnly ()
                use source = SourceFile.Open "/proc/self/mem"
                let! failure = complaint (fun () -> Task.Run(fun () -> ensure source ignore))
                Expect.equal failure.Kind FaultKind.SourceUnreadable "kind"

                Expect.stringStarts
                    failure.Message
                    "the file /proc/self/mem could not be read (IOException: "
                    "what and why"
            })

        for what, change, words in
            [
                "grew",
                (fun (path: string) -> File.AppendAllText(path, "more")),
                "grew from 10 to 14 bytes while it was read"
                "shrank",
                (fun path -> File.WriteAllBytes(path, patterned 4)),
                "shrank from 10 to 4 bytes while it was read"
                "was touched",
                (fun path -> File.SetLastWriteTimeUtc(path, DateTime(2026, 1, 1))),
                "was written to while it was read"
            ] do
            testCaseTask $"sees that a file {what}, in both of its passes" (fun () ->
                task {
                    use folder = new Folder()
                    let path = folder.Write("f", patterned 10)
                    use source = SourceFile.Open path
                    change path
                    let! failure = complaint (fun () -> Task.Run(fun () -> ensure source ignore))
                    Expect.equal failure.Kind FaultKind.SourceChanged "kind"
                    Expect.equal failure.Message $"the file {path} {words}" "what"

                    let! failure =
                        complaint (fun () ->
                            DigestPass(source, [ DigestAlgorithm.Md5 ]).TakeAsync CancellationToken.None)

                    Expect.equal failure.Kind FaultKind.SourceChanged "kind, of a pass for digests"
                })

        testCaseTask "says of how many bytes a file ended too early" (fun () ->
            task {
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                use source = SourceFile.Open path
                File.WriteAllBytes(path, patterned 7)
                let buffer = Memory(Array.zeroCreate<byte> 8)

                let! failure =
                    complaint (fun () ->
                        Task.Run(fun () -> source.Read(buffer, 5L, ignore, CancellationToken.None)))

                Expect.equal
                    failure.Message
                    $"the file {path} shrank from 10 to 7 bytes while it was read"
                    "what"
            })

        testCaseTask "reads once more what only had its mode changed, and says that it moves" (fun () ->
            task {
                linuxOnly ()
                use folder = new Folder()
                let path = folder.Write("f", patterned 10)
                use source = SourceFile.Open path
                File.SetUnixFileMode(path, UnixFileMode.UserRead)
                let moved = ref 0
                ensure source (fun () -> moved.Value <- moved.Value + 1)
                Expect.equal moved.Value 1 "one piece"
            })

        testCaseTask "gives a body as often as it is asked for, and says each time how far it is" (fun () ->
            task {
                use folder = new Folder()
                let bytes = patterned 150_000
                // A file that was changed just now would be read twice.
                let later = FakeTime(DateTimeOffset.UtcNow.AddDays 1.)
                use source = SourceFile.Open(folder.Write("f", bytes), time = later)
                let moved = ref 0
                let sent = List<int64>()

                use content =
                    new SourceContent(
                        source,
                        150_000L,
                        [ DigestAlgorithm.Md5 ],
                        (fun () -> moved.Value <- moved.Value + 1),
                        OnSent = (fun count -> sent.Add count)
                    )

                Expect.isFalse content.HasBegun "not yet"

                for time in 1..2 do
                    moved.Value <- 0
                    sent.Clear()
                    let! body, before = copy content
                    Expect.isTrue (body = bytes) $"the bytes, time {time}"
                    Expect.isTrue content.HasBegun "begun"
                    Expect.isTrue content.MayBeComplete "complete"
                    Expect.sequenceEqual before [ 0L; 65536L; 131072L ] $"before each piece, time {time}"
                    Expect.sequenceEqual sent [ 65536L; 131072L; 150_000L ] $"after each, time {time}"
                    // When it begins, with each of three parts that is read, and with each that is handed over.
                    Expect.equal moved.Value 7 $"signs of life, time {time}"

                    let all = nonNull content.Sent
                    Expect.equal all.Bytes 150_000L "all of it"
                    Expect.equal all.Sha256.Hex (sha256 bytes) "SHA-256"
                    Expect.equal all.Md5 (Some(md5 bytes)) "MD5"
            })

        testCaseTask "takes no MD5 that nobody wants" (fun () ->
            task {
                use folder = new Folder()
                use source = SourceFile.Open(folder.Write("f", patterned 10))
                use content = new SourceContent(source, 10L, [], ignore)
                let! _ = copy content
                Expect.equal (nonNull content.Sent).Md5 None "none"
            })
    ]
