module Cli.Tests.FileBundleTests

open System
open System.IO
open CellOS.Export.S3.Cli.Bundles
open CellOS.Export.S3.Cli.Files
open CellOS.Export.S3.Files
open CellOS.Export.S3.Core
open CellOS.Export.S3.Source
open Cli.Tests.Support
open Expecto

let private names (bundle: FileBundle) = [ for file in bundle.Files -> file.Name ]

let private only (sentences: string seq) =
    match List.ofSeq sentences with
    | [ sentence ] -> sentence
    | other -> failtest $"one sentence was expected: %A{other}"

let private collect (paths: string list) = FileBundle.Collect(Array.ofList paths)

let private isSound (bundle: FileBundle) =
    Expect.isEmpty bundle.Problems "no problem"
    Expect.isEmpty bundle.LeftOut "nothing left out"
    Expect.isEmpty bundle.Notes "nothing to note"

/// A name of any bytes in a folder, which .NET itself can neither make nor delete.
let private makeRaw (make: string) (folder: string) (name: byte[]) =
    let octal = name |> Array.map (fun byte -> $"\\%03o{byte}") |> String.concat ""
    shell $"cd \"$0\" && {make} \"$(printf '{octal}')\"" folder |> ignore

let private makeRawFile = makeRaw ": >"
let private makeRawFolder = makeRaw "mkdir"

/// A folder that may hold any names, gone when the test is.
type private RawFolder() =
    let folder = new Folder()
    member _.Folder = folder

    interface IDisposable with
        member _.Dispose() =
            shell "rm -rf \"$0\"/*" folder.Path |> ignore
            (folder :> IDisposable).Dispose()

let private text (text: string) = Text.Encoding.UTF8.GetBytes text

/// Bytes that are not valid UTF-8 (RFC 3629), and how they are shown.
let private notUtf8 = [
    "a byte that never occurs", [| 0xffuy |], @"\xff"
    "a continuation byte alone", [| 0x80uy |], @"\x80"
    "an overlong form of '/'", [| 0xc0uy; 0xafuy |], @"\xc0\xaf"
    "an overlong form of three bytes", [| 0xe0uy; 0x80uy; 0xafuy |], @"\xe0\x80\xaf"
    "half a surrogate pair", [| 0xeduy; 0xa0uy; 0x80uy |], @"\xed\xa0\x80"
    "a whole surrogate pair (CESU-8)",
    [| 0xeduy; 0xa0uy; 0xbduy; 0xeduy; 0xb8uy; 0x80uy |],
    @"\xed\xa0\xbd\xed\xb8\x80"
    "the beginning of a sequence", [| 0xe2uy; 0x82uy |], @"\xe2\x82"
    "a code point above U+10FFFF", [| 0xf4uy; 0x90uy; 0x80uy; 0x80uy |], @"\xf4\x90\x80\x80"
]

/// A clock by which everything was written just now.
let private justAfterEveryStamp = {
    new TimeProvider() with
        member _.GetUtcNow() = DateTimeOffset.UnixEpoch
}

[<Tests>]
let tests =
    testList "a bundle" [
        testCase "a file goes under its own name, a folder's files under theirs, in order" (fun () ->
            use folder = new Folder()

            for name in
                [
                    "out/b.txt"
                    "out/a/z"
                    "out/a.txt"
                    "out/a/B/c"
                    "single/report.json"
                    "out/.hidden"
                ] do
                folder.Write(name, name) |> ignore

            let bundle = collect [ folder.At "out"; folder.At "single/report.json" ]
            isSound bundle

            Expect.equal
                (names bundle)
                [ ".hidden"; "a.txt"; "a/B/c"; "a/z"; "b.txt"; "report.json" ]
                "by name, as bytes are ordered"

            for file in bundle.Files do
                Expect.stringEnds (File.ReadAllText file.Path) file.Name "each with its path")

        testCase "how a folder's path is written makes no difference" (fun () ->
            use folder = new Folder()
            folder.Write("out/a/x", "") |> ignore

            for path in [ "out"; "out/"; "out//"; "out/."; "out/../out"; "./out" ] do
                let bundle = collect [ folder.At path ]
                isSound bundle
                Expect.equal (names bundle) [ "a/x" ] path)

        for what, time in
            [
                "", TimeProvider.System
                // As if the folders had been written to just now: a stamp need not show what comes next.
                ", also within one step of the file system's clock", justAfterEveryStamp
            ] do
            testCase
                $"a file that moves from one folder to another while they are listed is reported{what}"
                (fun () ->
                    use folder = new Folder()
                    folder.Write("a/first", "1") |> ignore
                    folder.Write("b/moving", "2") |> ignore
                    let walk = FolderWalk time
                    walk.Add(folder.At "a")
                    File.Move(folder.At "b/moving", folder.At "a/moving")
                    walk.Add(folder.At "b")
                    walk.End()

                    Expect.equal
                        [ for file in walk.Files -> file.Name ]
                        [ "first" ]
                        "it is in neither listing"

                    let problem = only walk.Problems
                    Expect.stringContains problem (folder.At "a") "the folder"
                    Expect.stringContains problem "changed while the files were listed" "what happened"
                    Expect.stringContains problem "Export when nothing writes there" "what to do")

        testCase "a folder is listed again if its stamp need not show a change" (fun () ->
            for name, change, isSame in
                [
                    "nothing", ignore, true
                    "another file", (fun (folder: Folder) -> folder.Write("a/second", "2") |> ignore), false
                    "a file less", (fun folder -> File.Delete(folder.At "a/first")), false
                    "another name",
                    (fun folder -> File.Move(folder.At "a/first", folder.At "a/renamed")),
                    false
                    "another file of the name",
                    (fun folder -> File.Move(folder.At "b/first", folder.At "a/first", true)),
                    false
                    "more in a file", (fun folder -> File.AppendAllText(folder.At "a/first", "more")), true
                ] do
                use folder = new Folder()
                folder.Write("a/first", "1") |> ignore
                folder.Write("b/first", "2") |> ignore
                use root = CellOS.Export.ExportRoot.Open(folder.At "a")
                let listing = FolderListing.Read(root, [||], justAfterEveryStamp.GetUtcNow())
                Expect.isFalse listing.IsSettled "just written"
                change folder
                let now = FolderListing.Read(root, [||], justAfterEveryStamp.GetUtcNow())
                Expect.equal (listing.HasFilesOf now) isSame name)

        for what, disturb, said in
            [
                "replaced",
                (fun (folder: Folder) ->
                    File.Move(folder.At "log", folder.At "log.1")
                    folder.Write("log", "the second log") |> ignore),
                "was replaced by another after it was listed"
                "replaced by one of the same length and time",
                (fun folder ->
                    let stamp = File.GetLastWriteTimeUtc(folder.At "log")
                    File.Move(folder.At "log", folder.At "log.1")
                    File.SetLastWriteTimeUtc(folder.Write("log", "another log."), stamp)),
                "was replaced by another after it was listed"
                "replaced by another that was listed, of the same length and time,",
                (fun folder -> File.Move(folder.At "deep/twin", folder.At "log", true)),
                "was replaced by another after it was listed"
                "emptied, after it was copied",
                (fun folder ->
                    File.Copy(folder.At "log", folder.At "log.1")
                    File.WriteAllText(folder.At "log", "")),
                "shrank from 12 to 0 bytes after it was listed"
                "emptied and written to again",
                (fun folder -> File.WriteAllText(folder.At "log", "anew")),
                "shrank from 12 to 4 bytes after it was listed"
            ] do
            testCase $"a file that is {what} after it was listed is not opened" (fun () ->
                use folder = new Folder()
                let twin = folder.Write("deep/twin", "its twin....")
                let log = folder.Write("log", "the one log.")
                File.SetLastWriteTimeUtc(twin, File.GetLastWriteTimeUtc log)

                let file =
                    (collect [ folder.At "." ]).Files |> Seq.find (fun file -> file.Name = "log")
                // What follows gets another time stamp, in file systems that count in ticks of the system too.
                Threading.Thread.Sleep 20
                disturb folder

                let error =
                    try
                        (SourceFile.Open file.Source).Dispose()
                        failtest "it was opened"
                    with :? SourceException as error ->
                        error

                Expect.equal error.Kind FaultKind.SourceChanged "the kind"
                Expect.stringContains error.Message said "the reason")

        testCase "a file that is deleted and made anew after it was listed is not opened" (fun () ->
            use folder = new Folder()
            folder.Write("log", "the one log.") |> ignore
            let file = List.exactlyOne (List.ofSeq (collect [ folder.At "." ]).Files)

            if not (nonNull file.Source.Watch).Stamp.Value.Born.HasValue then
                skiptest "the file system has no times of birth"

            // The file system may give the new file the inode number of the old one.
            Threading.Thread.Sleep 20
            File.Delete(folder.At "log")
            folder.Write("log", "the second log") |> ignore
            Expect.throwsT<SourceException> (fun () -> (SourceFile.Open file.Source).Dispose()) "replaced")

        testCase "a file that grows after it was listed is opened" (fun () ->
            use folder = new Folder()
            folder.Write("log", "one line") |> ignore
            let file = List.exactlyOne (List.ofSeq (collect [ folder.At "." ]).Files)
            File.AppendAllText(folder.At "log", ", and another")
            use source = SourceFile.Open file.Source
            Expect.equal source.Length 21L "the whole file")

        testCase "no link is followed" (fun () ->
            use folder = new Folder()
            folder.Write("secret/key", "k") |> ignore
            folder.Write("out/real", "r") |> ignore

            File.CreateSymbolicLink(folder.At "out/file-link", folder.At "secret/key")
            |> ignore

            Directory.CreateSymbolicLink(folder.At "out/folder-link", folder.At "secret")
            |> ignore

            Directory.CreateSymbolicLink(folder.At "out/loop", folder.At "out") |> ignore
            File.CreateSymbolicLink(folder.At "out/dangling", folder.At "nowhere") |> ignore

            let bundle = collect [ folder.At "out" ]
            Expect.equal (names bundle) [ "real" ] "the file"
            Expect.isEmpty bundle.Problems "no problem"
            Expect.hasLength bundle.LeftOut 4 "each link is reported"
            Expect.all bundle.LeftOut (fun note -> note.Contains "symbolic link") "as a link"

            for path in [ "out/file-link"; "out/folder-link"; "out/folder-link/"; "out/dangling" ] do
                let bundle = collect [ folder.At path ]
                Expect.isEmpty bundle.Files "nothing of it"
                Expect.stringContains (only bundle.Problems) "symbolic link" path)

        testCase
            "what is no file is left out of a folder, and refused as a path, without being opened"
            (fun () ->
                use folder = new Folder()
                folder.Write("out/real", "r") |> ignore
                pipe (folder.At "out/pipe")

                use socket =
                    new Net.Sockets.Socket(
                        Net.Sockets.AddressFamily.Unix,
                        Net.Sockets.SocketType.Stream,
                        Net.Sockets.ProtocolType.Unspecified
                    )

                socket.Bind(Net.Sockets.UnixDomainSocketEndPoint(folder.At "out/socket"))

                let bundle = collect [ folder.At "out" ]
                Expect.equal (names bundle) [ "real" ] "the file"
                Expect.hasLength bundle.LeftOut 2 "two that are not files"
                Expect.stringContains (only (collect [ folder.At "out/pipe" ]).Problems) "a pipe" "refused"

                Expect.stringContains
                    (only (collect [ folder.At "out/socket" ]).Problems)
                    "a socket"
                    "refused"

                Expect.stringContains (only (collect [ "/dev/null" ]).Problems) "a device" "refused")

        testCase "an empty folder is noted" (fun () ->
            use folder = new Folder()
            Directory.CreateDirectory(folder.At "out/deep/deeper") |> ignore
            let bundle = collect [ folder.At "out" ]
            Expect.isEmpty bundle.Files "nothing"
            Expect.isEmpty bundle.Problems "no problem"
            Expect.stringContains (only bundle.Notes) "no file in" "said so")

        testCase "everything that is wrong is told at once" (fun () ->
            use folder = new Folder()
            folder.Write("one/same", "1") |> ignore
            folder.Write("two/same", "2") |> ignore
            folder.Write("two/back\\slash", "") |> ignore
            folder.Write("two/new\nline", "") |> ignore
            folder.Write("two/\u001b[2J", "") |> ignore

            let bundle =
                collect [ folder.At "one"; folder.At "missing"; folder.At "two"; folder.At "a\000b" ]

            let all = String.Join("\n", bundle.Problems)
            Expect.hasLength bundle.Problems 6 all

            for told in
                [
                    "missing'"
                    "back\\slash'"
                    "new\\u000Aline'"
                    "\\u001B[2J'"
                    "a\\u0000b'"
                    "'same' is given more than once"
                ] do
                Expect.stringContains all told told

            Expect.all
                bundle.Problems
                (fun sentence -> not (Seq.exists Char.IsControl sentence))
                "all visible"

            Expect.stringContains all (folder.At "one/same") "one of the two"
            Expect.stringContains all (folder.At "two/same") "the other")

        testCase "one path given twice is refused" (fun () ->
            use folder = new Folder()
            let path = folder.Write("a", "")

            Expect.stringContains
                (only (collect [ path; path ]).Problems)
                "'a' is given more than once"
                "refused")

        testCase "a folder that may not be read is a problem" (fun () ->
            if Environment.IsPrivilegedProcess then
                skiptest "everything may be read by this user"

            use folder = new Folder()
            folder.Write("out/closed/x", "") |> ignore
            folder.Write("out/open", "") |> ignore
            let closed = folder.At "out/closed"
            File.SetUnixFileMode(closed, UnixFileMode.None)

            try
                let bundle = collect [ folder.At "out" ]
                Expect.equal (names bundle) [ "open" ] "the rest is seen"
                Expect.stringContains (only bundle.Problems) "may not be read" "said so"
            finally
                File.SetUnixFileMode(
                    closed,
                    UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute
                ))

        testCase "a folder may be as deep as paths can be long" (fun () ->
            use folder = new Folder()
            let deep = String.Join('/', Array.replicate 300 "d")
            folder.Write($"out/{deep}/x", "") |> ignore
            let bundle = collect [ folder.At "out" ]
            isSound bundle
            Expect.equal (names bundle) [ deep + "/x" ] "found")

        for what, wrong, shown in notUtf8 do
            let name = [| yield! text "a"; yield! wrong; yield! text "b" |]
            // What .NET makes of such a name, with one U+FFFD for each byte, for each sequence, and for all of it.
            let twins = [ for count in 1 .. wrong.Length -> "a" + String('\ufffd', count) + "b" ]

            testCase $"rejects a name with {what}, whatever lies beside it" (fun () ->
                for make, folderOf in
                    [
                        makeRawFile, "out"
                        makeRawFolder, "out"
                        makeRawFile, "out/deep/deeper"
                        makeRawFolder, "out/deep/deeper"
                    ] do
                    use raw = new RawFolder()
                    let folder = raw.Folder

                    for twin in twins do
                        folder.Write($"{folderOf}/{twin}", twin) |> ignore

                    make (folder.At folderOf) name
                    let bundle = collect [ folder.At "out" ]
                    let problem = only bundle.Problems
                    Expect.stringContains problem "not valid UTF-8" "why"
                    Expect.stringContains problem $"a{shown}b" "which")

        testCase "a name that really contains U+FFFD is a name" (fun () ->
            use folder = new Folder()
            let expected = [ "a\ufffdb"; "c\ufffd/\ufffd\ufffd"; "d/é\U0001f600\ufffd" ]

            for name in expected do
                folder.Write($"out/{name}", name) |> ignore

            let bundle = collect [ folder.At "out"; folder.Write("\ufffd", "") ]
            isSound bundle

            Expect.equal
                (names bundle)
                (List.sortWith (fun a b -> String.CompareOrdinal(a, b)) ("\ufffd" :: expected))
                "as they are")

        testCase "what replaces a listed folder by a link is not read through it" (fun () ->
            use folder = new Folder()
            folder.Write("out/logs/a", "evidence") |> ignore
            folder.Write("one/b", "evidence") |> ignore
            folder.Write("secret/logs/a", "secret") |> ignore
            folder.Write("secret/b", "secret") |> ignore
            let bundle = collect [ folder.At "out"; folder.At "one/b" ]
            isSound bundle

            for name in [ "out"; "one" ] do
                Directory.Move(folder.At name, folder.At $"{name}-before")

                Directory.CreateSymbolicLink(folder.At name, folder.At "secret") |> ignore

            for file in bundle.Files do
                use source = SourceFile.Open file.Source
                let read = Array.zeroCreate<byte>(int source.Length)
                source.Read(read, 0L, ignore, Threading.CancellationToken.None)

                Expect.equal
                    (Text.Encoding.UTF8.GetString read)
                    "evidence"
                    $"{file.Name} is that of the root")
    ]
