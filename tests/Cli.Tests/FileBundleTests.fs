module Cli.Tests.FileBundleTests

open System
open System.IO
open CellOS.Export.S3.Cli.Bundles
open CellOS.Export.S3.Core
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
    Expect.isEmpty bundle.Notes "nothing to note"

/// A file whose name is no UTF-8, which .NET itself can neither make nor delete.
let private makeNameless = shell "cd \"$0\" && : > \"$(printf 'x\\377y')\""
let private deleteNameless = shell "cd \"$0\" && rm -f \"$(printf 'x\\377y')\""

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
            Expect.hasLength bundle.Notes 4 "each link is told"
            Expect.all bundle.Notes (fun note -> note.Contains "symbolic link") "as a link"

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
                Expect.hasLength bundle.Notes 2 "two that are none"
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
            makeNameless (folder.At "two") |> ignore

            let bundle =
                collect [ folder.At "one"; folder.At "missing"; folder.At "two"; folder.At "a\000b" ]

            deleteNameless (folder.At "two") |> ignore
            let all = String.Join("\n", bundle.Problems)
            Expect.hasLength bundle.Problems 7 all

            for told in
                [
                    "missing'"
                    "back\\slash'"
                    "new\\u000Aline'"
                    "\\u001B[2J'"
                    "no UTF-8"
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
    ]
