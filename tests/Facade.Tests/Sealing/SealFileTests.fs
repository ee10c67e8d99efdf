module Facade.Tests.SealFileTests

open System
open System.IO
open System.Text
open CellOS.Export.S3
open CellOS.Export.S3.Files
open CellOS.Export.S3.Sealing
open CellOS.Export.S3.Source
open Expecto
open Facade.Tests.Support
open Facade.Tests.SealSupport

/// A file whose disk takes so many bytes more, and fails then.
type private FullDisk(path: string, room: int) =
    let inner = LockedFile.Open(path, SealFile.Role, TimeSpan.Zero) :> ILockedFile

    interface ILockedFile with
        member _.Stamp: FileStamp = inner.Stamp
        member _.IsInPlace = inner.IsInPlace
        member _.Read(buffer, offset) = inner.Read(buffer, offset)
        member _.Cut length = inner.Cut length
        member _.Flush() = inner.Flush()
        member _.Dispose() = inner.Dispose()

        member _.Write(bytes, offset) =
            inner.Write(bytes.Slice(0, min room bytes.Length), offset)

            if bytes.Length > room then
                raise (IOException "No space left on device")

let private appended (path: string) (seals: string) (notes: ResizeArray<string>) =
    use seal = ExportSeal.Open(path, seals, null, Action<string> notes.Add)
    append seal (run [ exported "later" ])

[<Tests>]
let tests =
    // Not while other tests start processes: until a new one runs its program, it holds the locks of this one.
    testSequenced
    <| testList "SealFile" [
        testCase "cuts a torn line off, wherever it was torn" (fun () ->
            use folder = new Folder()
            let key, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"
            appended path seals (ResizeArray()) |> ignore
            let first = File.ReadAllBytes seals
            appended path seals (ResizeArray()) |> ignore
            let second = (File.ReadAllBytes seals)[first.Length ..]

            for length in [ 1; 11; 12; 40; second.Length / 2; second.Length - 70; second.Length - 2 ] do
                for nuls in [ 0; 1; 4096 ] do
                    File.WriteAllBytes(
                        seals,
                        Array.concat [ first; second[.. length - 1]; Array.zeroCreate nuls ]
                    )

                    let notes = ResizeArray()
                    Expect.equal (appended path seals notes).Count 2L $"{length} bytes"
                    Expect.hasLength notes 1 "a note"
                    Expect.stringContains notes[0] $"torn line of {length + nuls} bytes" "what was cut"
                    Expect.hasLength (statements [ key ] seals) 2 "all valid")

        testCase "cuts NULs off, which file systems leave after a loss of power" (fun () ->
            use folder = new Folder()
            let key, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"
            appended path seals (ResizeArray()) |> ignore
            File.AppendAllText(seals, String('\000', 100_000))
            Expect.equal (appended path seals (ResizeArray())).Count 2L "the second line"
            Expect.hasLength (statements [ key ] seals) 2 "all valid")

        testCase "completes a whole line that lacks its line end" (fun () ->
            use folder = new Folder()
            let key, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"
            appended path seals (ResizeArray()) |> ignore

            for nuls in [ 0; 7 ] do
                let all = File.ReadAllBytes seals
                File.WriteAllBytes(seals, Array.append all[.. all.Length - 2] (Array.zeroCreate nuls))
                let notes = ResizeArray()
                ExportSeal.Open(path, seals, null, Action<string> notes.Add).Dispose()
                Expect.equal (File.ReadAllBytes seals) all "whole again"
                Expect.stringContains (Seq.exactlyOne notes) "had no line end, which was added" "a note"

            Expect.equal (appended path seals (ResizeArray())).Count 2L "the second line"
            Expect.hasLength (statements [ key ] seals) 2 "all valid")

        testCase "rejects every other file, and leaves it as it is" (fun () ->
            use folder = new Folder()
            let _, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"

            for _ in 1..3 do
                appended path seals (ResizeArray()) |> ignore

            let all = File.ReadAllBytes seals
            let text = Encoding.ASCII.GetString all
            let lines = text.TrimEnd('\n').Split '\n'
            let _, stranger = newKey folder "stranger.pem"
            let strange = folder.At "strange.jsonl"
            appended stranger strange (ResizeArray()) |> ignore

            for content, expected in
                [
                    "evidence", "a line 1 that is not a seal"
                    "a\nb\n", "line 1"
                    "\n", "line 1"
                    "\000\000", "nothing but NULs"
                    "[]", "a line 1 that is not a seal"
                    String('x', 10_000_000), "a line 1 that is not a seal"
                    text + "x", "a line 4 that is not a seal"
                    text + "\n", "line 4"
                    text + "{\"payload\":\"*", "a line 4 that is not a seal"
                    lines[0] + "\n" + lines[2] + "\n", "line 2"
                    lines[1] + "\n", "line 1"
                    text.Replace("\n", "\r\n"), "line 1"
                    // Of this key, whose signatures are checked.
                    text.Substring(0, text.Length - 12)
                    + (if text[text.Length - 12] = 'A' then "B" else "A")
                    + text[text.Length - 11 ..],
                    "line 3"
                    // The whole lines of another chain, whose first one does not belong here.
                    text + File.ReadAllText strange, "line 4"
                    (text + File.ReadAllText strange).TrimEnd '\n', "ends in a line without an end"
                ] do
                File.WriteAllText(seals, content)
                let message = refusal (fun () -> ExportSeal.Open(path, seals).Dispose())
                Expect.stringContains message expected message
                Expect.stringContains message "Nothing in it was changed" "says so"
                Expect.equal (File.ReadAllText seals) content "as it was")

        testCase "does not read a large file that is not one of seals to its end" (fun () ->
            use folder = new Folder()
            let _, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"

            // It takes no space where files may have holes.
            do
                use file = File.Create seals
                file.SetLength 20_000_000_000L

            let before = GC.GetAllocatedBytesForCurrentThread()
            let message = refusal (fun () -> ExportSeal.Open(path, seals).Dispose())
            Expect.stringContains message "is not a seal" message
            Expect.isLessThan (GC.GetAllocatedBytesForCurrentThread() - before) 400_000_000L "memory")

        testCase "leaves the file as it was when the disk is full, and seals once there is room" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let key, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"
            appended path seals (ResizeArray()) |> ignore
            let before = File.ReadAllBytes seals
            let mutable room = 0

            use seal =
                ExportSeal.OpenWith(
                    path,
                    seals,
                    null,
                    null,
                    fun () -> new FullDisk(seals, room) :> ILockedFile
                )

            for taken in [ 0; 1; 100 ] do
                room <- taken
                let message = refusal (fun () -> append seal (run [ exported "b" ]) |> ignore)
                Expect.stringContains message "No space left on device" "why"
                Expect.stringContains message seals "where"
                Expect.equal (File.ReadAllBytes seals) before "as it was"

            room <- Int32.MaxValue
            append seal (run [ exported "b" ]) |> ignore
            Expect.hasLength (statements [ key ] seals) 2 "all valid")

        testCase "reports a file that was removed while it was written" (fun () ->
            linuxOnly ()
            use folder = new Folder()
            let _, path = newKey folder "key.pem"
            let seals = folder.At "seals.jsonl"
            let mutable isGone = false

            let openFile () =
                let file = LockedFile.Open(seals, SealFile.Role, TimeSpan.Zero) :> ILockedFile

                if isGone then
                    File.Delete seals

                file

            use seal = ExportSeal.OpenWith(path, seals, null, null, openFile)
            isGone <- true
            let message = refusal (fun () -> append seal (run [ exported "b" ]) |> ignore)
            Expect.stringContains message "removed or replaced it" "why")
    ]
