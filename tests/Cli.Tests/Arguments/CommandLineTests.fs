module Cli.Tests.CommandLineTests

open System
open System.IO
open CellOS.Export.S3.Cli.Arguments
open CellOS.Export.S3.Cli.Pushing
open Cli.Tests.Support
open Expecto

let private read (arguments: string) =
    CommandLine.Read(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), TextWriter.Null)

let private push (arguments: string) =
    match read $"push {arguments}" with
    | :? Request.Push as push -> push.Arguments
    | other -> failtest $"no push, but {other}"

let private check (arguments: string) =
    match read $"check {arguments}" with
    | :? Request.Check as check -> check.Arguments
    | other -> failtest $"no check, but {other}"

let private misuse (arguments: string list) =
    match CommandLine.Read(arguments, TextWriter.Null) with
    | :? Request.Misused as misused -> String.Join("\n", misused.Sentences)
    | other -> failtest $"no misuse, but {other}"

[<Tests>]
let tests =
    testList "the command line" [
        testCase "check takes a spec, and little else" (fun () ->
            let plain = check "--spec cell.yaml"
            Expect.equal plain.Spec "cell.yaml" "the spec"
            Expect.isNull plain.CellId "no cell"
            Expect.isNull plain.Target "all targets"
            Expect.isFalse plain.Json "tables"

            let full = check "--json --target a --cell-id=c-1 --spec=cell.yaml"
            Expect.equal full.CellId "c-1" "the cell"
            Expect.equal full.Target "a" "the target"
            Expect.isTrue full.Json "JSON")

        testCase "push has defaults for all but spec and cell" (fun () ->
            let plain = push "--spec cell.yaml --cell-id c"
            Expect.equal plain.Concurrency 4 "four at once"
            Expect.isFalse (plain.Resume || plain.Quiet) "no flags"
            Expect.isEmpty plain.Paths "no paths"
            Expect.isNull plain.Root "no root"
            Expect.isNull plain.Receipts "no receipts file"
            Expect.isFalse plain.Format.HasValue "JSON, or lines on a terminal"
            Expect.isNull plain.Target "no target")

        testCase "push takes all that the help names" (fun () ->
            let full =
                push
                    "--spec s --cell-id c --target t --root r --receipts f --resume --concurrency 256 --quiet a b/c"

            Expect.equal
                (full.Spec, full.CellId, full.Target, full.Root, full.Receipts)
                ("s", "c", "t", "r", "f")
                "texts"

            Expect.isTrue (full.Resume && full.Quiet) "flags"
            Expect.equal full.Concurrency 256 "the number"
            Expect.sequenceEqual full.Paths [ "a"; "b/c" ] "paths")

        testCase "push takes each format by its name" (fun () ->
            let format name =
                (push $"--spec s --cell-id c --format {name}").Format.Value

            Expect.equal (push "--spec s --cell-id c --json").Format.Value ResultFormat.Json "--json"

            Expect.equal
                (misuse [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--json"; "--format"; "json" ])
                "--json and --format exclude each other. Give one of them."
                "both"

            Expect.sequenceEqual
                (ResultFormats.Names |> Seq.map format)
                (Enum.GetValues<ResultFormat>())
                "every name is a format, and every format has a name"

            for name in [ "cloudevent"; "JSON"; "in-toto,json"; "1"; "CloudEvents" ] do
                Expect.equal
                    (misuse [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--format"; name ])
                    $"--format takes json, cloudevents or in-toto, not '{name}'."
                    name)

        testCase "push takes headers, one by one" (fun () ->
            let read (arguments: string list) =
                match
                    CommandLine.Read(
                        [ "push"; "--spec"; "s"; "--cell-id"; "c" ] @ arguments,
                        TextWriter.Null
                    )
                with
                | :? Request.Push as push -> push.Arguments
                | other -> failtest $"no push, but {other}"

            let full =
                read [
                    "--header"
                    "x-amz-meta-run: a=b: c"
                    "a"
                    "--header=Cache-Control:no-store"
                    "--header"
                    "Content-Type: text/plain; charset=utf-8"
                    "b"
                ]

            Expect.equal (nonNull full.Metadata).ContentType "text/plain; charset=utf-8" "the media type"

            Expect.sequenceEqual
                (nonNull (nonNull full.Metadata).Headers
                 |> Seq.map (fun header -> header.Key, header.Value))
                [ "Cache-Control", "no-store"; "x-amz-meta-run", "a=b: c" ]
                "the others"

            Expect.sequenceEqual full.Paths [ "a"; "b" ] "each option takes one value"
            Expect.isNull (read [ "a" ]).Metadata "none")

        testCase "a header that cannot be sent is refused, and its value is not told" (fun () ->
            for headers, told in
                [
                    [ "x-a 5ecretvalue" ], "--header: The header has no colon. Give it as 'NAME: VALUE'."
                    [ "Host: 5ecretvalue" ], "the host in the URL"
                    [ "Authorization: 5ecretvalue" ], "'Authorization'"
                    [ "If-None-Match: *" ], "CELLOS_EXPORT_S3_WRITE_ONCE__"
                    [ "x-a: 5ecretvalue"; "X-A: 5ecretvalue" ], "'X-A' is given twice"
                    [ "Content-Type: a/b"; "content-type: a/c" ], "given twice"
                    [ "x-a:" ], "'x-a' has no value"
                    [ "x-a: 5ecretvalue\nHost: h" ], "U+000A"
                    [ "x-a: 5ecretvalue ü" ], "Percent-encode"
                    [ "" ], "no colon"
                    [ "x-a: 1"; "--quiet" ], "--header needs a value; '--quiet' looks like an option"
                ] do
                let sentences =
                    misuse (
                        [ "push"; "--spec"; "s"; "--cell-id"; "c" ]
                        @ (headers |> List.collect (fun header -> [ "--header"; header ]))
                    )

                Expect.stringContains sentences told $"{headers}"
                Expect.isFalse (sentences.Contains "5ecretvalue") sentences)

        testCase "paths may stand anywhere, and look like anything" (fun () ->
            let paths =
                (push "a --spec s @b --cell-id c [suggest] --quiet d -- -e --spec -- --help").Paths

            Expect.sequenceEqual
                paths
                [ "a"; "@b"; "[suggest]"; "d"; "-e"; "--spec"; "--"; "--help" ]
                "all of them")

        testCase "what cannot be understood is told in sentences" (fun () ->
            for arguments, told in
                [
                    "nonsense", "There is no command 'nonsense'."
                    "chek", "There is no command 'chek'. Did you mean 'check'?"
                    "--hepl", "There is no option '--hepl'. Did you mean '--help'?"
                    "help chek", "There is no command 'chek'. Did you mean 'check'?"
                    "help push out", "help takes one command"
                    "push --hepl", "There is no option '--hepl'. Did you mean '--help'?"
                    "push --specc=s", "There is no option '--specc'. Did you mean '--spec'?"
                    "push --spec s --Resume", "There is no option '--Resume'. Did you mean '--resume'?"
                    "verify --recepts r", "There is no option '--recepts'. Did you mean '--receipts'?"
                    "check --spec s --sherd=2", "Did you mean '--shard'?"
                    "check", "--spec"
                    "push --cell-id c", "--spec"
                    "check --spec", "--spec"
                    "check --spec s --spec t", "--spec"
                    "check --spec s --receipts f", "'--receipts'"
                    "check --spec s --shard 2", "--shard: The shard is '2'"
                    "push --spec s --shard 2/2", "--shard: The shard has the index 2"
                    "push --spec s --shard", "'--shard'"
                    "push --spec s --shard 0/2 --shard 1/2", "--shard"
                    "verify", "verify needs --receipts FILE"
                    "verify --receipts", "'--receipts'"
                    "verify --seals s", "--key FILE"
                    "verify --envelope e", "--key FILE"
                    "verify --receipts r --key k", "--key needs --seals FILE"
                    "verify --receipts r --head 1:2", "--head needs --seals FILE"
                    "verify --seals s --key k --head 1:2", "--head: The head '1:2' is not COUNT:SHA256"
                    "verify --receipts r --accept-unsealed", "--accept-unsealed needs --seals FILE"
                    "verify --receipts r --bundle a --bundle b", "--bundle"
                    "verify --receipts r --nonsense", "'--nonsense'"
                    "verify --receipts= r", "--receipts needs a value"
                    "push --spec s --receipts a --receipts b", "Several --receipts need --resume"
                    "push --spec s --cell-id c --nonsense", "'--nonsense'"
                    "push --spec s --cell-id c --nonsense=1 a", "'--nonsense'"
                    "push --spec s --cell-id c -q a -- -b", "'-q'"
                    "push --spec s --cell-id c -", "'-'"
                    "push --spec s --cell-id c --resume", "--receipts"
                    "push --spec s --cell-id c --format json --format json", "--format"
                    "push --spec s --cell-id c --format", "--format"
                    "check --spec s --format json", "'--format'"
                    "push --spec s --cell-id c --concurrency 0", "from 1 to 256"
                    "push --spec s --cell-id c --concurrency 257", "from 1 to 256"
                    "push --spec s --cell-id c --concurrency -1", "from 1 to 256"
                    "push --spec s --cell-id c --concurrency 4.0", "'4.0'"
                    "push --spec s --cell-id c --concurrency 99999999999", "from 1 to 256"
                    "push --spec s --cell-id c --concurrency 1 --concurrency 2", "--concurrency"
                ] do
                let sentences =
                    misuse (List.ofArray (arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)))

                Expect.stringContains sentences told arguments)

        testCase "an empty value is none" (fun () ->
            for option in
                [
                    "--spec"
                    "--cell-id"
                    "--target"
                    "--root"
                    "--receipts"
                    "--shard"
                    "--format"
                    "--concurrency"
                ] do
                for empty in [ ""; " " ] do
                    let others =
                        [ "--spec", "s"; "--cell-id", "c" ]
                        |> List.filter (fun (name, _) -> name <> option)
                        |> List.collect (fun (name, value) -> [ name; value ])

                    Expect.stringContains (misuse ([ "push" ] @ others @ [ option; empty ])) option option

            Expect.stringContains
                (misuse [ "push"; "--spec"; "s"; "--cell-id"; "c"; "" ])
                "PATH"
                "an empty path")

        testCase "an argument that is not valid UTF-8 is rejected by its bytes" (fun () ->
            let problems (commandLine: string | null) (arguments: string list) =
                RawArguments.Problems(
                    arguments,
                    fun () ->
                        match commandLine with
                        | null -> null
                        | text -> Text.Encoding.Latin1.GetBytes text
                )
                |> List.ofSeq

            let wrong text = [
                $"The argument '{text}' is not valid UTF-8. Rename the file or the folder, and give its new name."
            ]

            for program in [ "dotnet\000x.dll\000"; "/usr/bin/cellos-export-s3\000"; "" ] do
                let commandLine arguments = program + arguments
                let twin = "c\u00ef\u00bf\u00bd"

                for line, arguments, expected in
                    [
                        "push\000c\u00ff\000", [ "push"; "c\ufffd" ], wrong @"c\xff"
                        "push\000" + twin + "\000", [ "push"; "c\ufffd" ], []
                        "\000" + twin + "\000\000", [ ""; "c\ufffd"; "" ], []
                        "\000c\u00ff\000\000", [ ""; "c\ufffd"; "" ], wrong @"c\xff"
                        "--receipts=c\u00ff\000" + twin + "\000",
                        [ "--receipts=c\ufffd"; "c\ufffd" ],
                        wrong @"--receipts=c\xff"
                    ] do
                    Expect.equal (problems (commandLine line) arguments) expected line

            Expect.equal (problems null [ "a"; "c\ufffd" ]) (wrong "c\ufffd") "bytes that cannot be had"
            Expect.equal (problems "c\000" [ "a"; "c\ufffd" ]) (wrong "c\ufffd") "another command line"
            Expect.isEmpty (problems null [ "a"; "é" ]) "text")

        testCase "a value that a script left empty takes no other argument for it" (fun () ->
            for arguments, told in
                [
                    "--spec s --cell-id c --receipts= out", "--receipts needs a value."
                    "--spec s --cell-id c --root: out", "--root needs a value."
                    "--spec= --cell-id= out", "--spec needs a value.\n--cell-id needs a value."
                    "--spec s --cell-id --quiet out", "--cell-id needs a value; '--quiet'"
                    "--cell-id c --spec --cell-id=d out", "--spec needs a value; '--cell-id'"
                    "--spec s --cell-id -- out", "--cell-id needs a value; '--'"
                    "--cell-id c out --spec --help", "--spec needs a value; '--help'"
                    "--spec s --cell-id c --quiet=true out",
                    "--quiet takes no value; leave out '=' and what follows it."
                    "--spec s --cell-id c --resume: out", "--resume takes no value"
                ] do
                Expect.stringStarts (misuse (List.ofArray ($"push {arguments}".Split ' '))) told arguments

            let odd =
                push "--spec=--s --cell-id=--quiet a --root=x=y --target:t b -- --root= --spec"

            Expect.equal
                (odd.Spec, odd.CellId, odd.Root, odd.Target)
                ("--s", "--quiet", "x=y", "t")
                "one that is written so is meant"

            Expect.isFalse odd.Quiet "no flag"
            Expect.sequenceEqual odd.Paths [ "a"; "b"; "--root="; "--spec" ] "paths are never looked into")

        testCase "no sentence holds a secret, or anything that a terminal would act on" (fun () ->
            let url = "https://h/x?X-Amz-Signature=abcdef0123456789"

            for arguments in
                [
                    [ url ]
                    [ "check"; url; "--spec"; "s"; "--shard"; url ]
                    [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--url=" + url ]
                    [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--concurrency"; url ]
                    [ "check"; "--spec"; "s"; "--shard"; "\027[2Jx" ]
                ] do
                let sentences = misuse arguments
                Expect.isFalse (sentences.Contains "abcdef0123456789") sentences
                Expect.isFalse (sentences.Contains '\027') sentences)

        testCase
            "no sentence contains the value of an option, or an argument that looks like a credential"
            (fun () ->
                let opaque = "Zk3vT9qLw2XbR7mY5nP8"
                let push = [ "push"; "--spec"; "s"; "--cell-id"; "c" ]

                for arguments, told in
                    [
                        push @ [ $"--pat={opaque}"; "out" ], "There is no option '--pat'."
                        push @ [ "--auth=hunter2"; "out" ], "There is no option '--auth'."
                        push @ [ $"--quiet={opaque}"; "out" ], "--quiet takes no value"
                        push @ [ "--header"; $"--x-api={opaque}"; "out" ], "'--x-api' looks like an option"
                        push @ [ "--format"; opaque; "out" ], "not 'REDACTED'"
                        push @ [ "--concurrency"; opaque; "out" ], "not 'REDACTED'"
                        [ opaque ], "'REDACTED'"
                        [ "completion"; opaque ], "'REDACTED'"
                    ] do
                    let sentences = misuse arguments
                    Expect.isFalse (sentences.Contains opaque || sentences.Contains "hunter2") sentences
                    Expect.stringContains sentences told "what is wrong")

        testCase "no sentence contains the query of a URL in the wrong place" (fun () ->
            let secret = "5ecretpassw0rdt0ken"

            for url in
                [
                    for name in
                        [ "X-Goog-Signature"; "sig"; "token"; "private_token"; "foo"; "X-Amz-Date=1&x" ] do
                        $"https://h/x?{name}={secret}"

                    $"https://h/x?{secret}"
                    $"https://h/x?a=1 {secret}"
                    $"https://user:{secret}@h/x"
                    $"https://h/x#{secret}"
                    $"h/x?foo={secret}"
                    $"https://o/p/{secret}/n/space/b/bucket/o/a"
                ] do
                let push = [ "push"; "--spec"; "s"; "--cell-id"; "c" ]

                for arguments in
                    [
                        [ url ]
                        [ url; "--spec"; "s" ]
                        [ "check"; url ]
                        [ "check"; url; "--spec"; "s"; "--shard"; "x" ]
                        [ "check"; "--spec"; "s"; "--shard"; url ]
                        [ "check"; "--spec"; "s"; "--json=" + url ]
                        [ "check"; "--spec"; "s"; "--spec"; url ]
                        [ "check"; "--spec"; "--x" + url ]
                        push @ [ "--url=" + url ]
                        push @ [ "--" + url ]
                        push @ [ "-" + url ]
                        push @ [ "--concurrency"; url ]
                        push @ [ "--concurrency=" + url ]
                        push @ [ "--concurrency:" + url ]
                        push @ [ "--format"; url ]
                        push @ [ "--format=" + url ]
                        push @ [ "--quiet=" + url ]
                        push @ [ "--header"; "Host: " + url ]
                        push @ [ "--header"; "a b: " + url ]
                        push @ [ "--target"; "--" + url ]
                        push @ [ "--receipts"; "r"; "--receipts"; url ]
                        push @ [ "--shard"; url ]
                    ] do
                    let sentences = misuse arguments
                    Expect.isFalse (sentences.Contains secret) sentences)

        testCaseTask "the built tool shows no query of a URL in the wrong place" (fun () ->
            task {
                use folder = new Folder()

                let spec =
                    folder.Write(
                        "cell.yaml",
                        "export:\n  targets:\n    - name: t\n      kind: s3\n      bucket: b\n"
                    )

                let secret = "5ecretpassw0rdt0ken"

                for url in
                    [
                        $"https://h/x?foo={secret}"
                        $"https://h/x?{secret}"
                        $"https://h/x?sig=1 {secret}"
                    ] do
                    let push = [ "push"; "--spec"; spec; "--cell-id"; "c" ]

                    for arguments in
                        [
                            [ "check"; "--spec"; url ]
                            [ "check"; "--spec"; url; "--json" ]
                            [ "check"; "--spec"; spec; "--cell-id"; url ]
                            [ "check"; "--spec"; spec; url ]
                            [ "push"; "--spec"; spec; url ]
                            push @ [ "--resume"; "--receipts"; folder.At "r"; "--receipts"; url; spec ]
                            [ "check"; "--spec"; spec; "--target"; url; "--json" ]
                            [ "push"; "--spec"; url; "--cell-id"; "c"; spec ]
                            [ "push"; "--spec"; spec; "--cell-id"; url; spec ]
                            push @ [ "--target"; url; spec ]
                            push @ [ "--root"; url ]
                            push @ [ "--receipts"; url; spec ]
                            push @ [ "--receipts"; folder.At url; spec ]
                            push @ [ url ]
                            push @ [ "--"; folder.At url ]
                        ] do
                        let! struct (code, output, error) =
                            runToolIn
                                [ "CELLOS_EXPORT_S3_PRESIGNED_URL__T", "http://127.0.0.1:1/{artifact_name}" ]
                                arguments

                        Expect.notEqual code 0 (String.concat " " arguments)
                        Expect.isFalse (output.Contains secret) $"{arguments}: {output}"
                        Expect.isFalse (error.Contains secret) $"{arguments}: {error}"
            })

        testCase
            "an option for the help or the version stands alone, since it may be the name of a file"
            (fun () ->
                let plain = [ "push"; "--spec"; "s"; "--cell-id"; "c" ]

                for name in [ "-h"; "-?"; "--help"; "/h"; "/?" ] do
                    for arguments in
                        [
                            plain @ [ name ]
                            plain @ [ name; "a" ]
                            plain @ [ "a"; name ]
                            [ "push"; name; "--spec"; "s" ]
                            [ "check"; "--spec"; "s"; name ]
                            [ name; "push"; "a" ]
                            [ name; name ]
                        ] do
                        let told = misuse arguments
                        Expect.stringContains told $"'{name}' is not the only argument" $"%A{arguments}"
                        Expect.stringContains told "'./NAME'" "one way out"
                        Expect.stringContains told "'--'" "another"

                    Expect.sequenceEqual
                        (push $"--spec s --cell-id c -- a {name}").Paths
                        [ "a"; name ]
                        "a path"

                    for arguments in [ [ name ]; [ "push"; name ]; [ "check"; name ] ] do
                        match CommandLine.Read(arguments, TextWriter.Null) with
                        | :? Request.Shown -> ()
                        | other -> failtest $"%A{arguments}: {other}"

                Expect.stringContains
                    (misuse [ "--version"; "push"; "a" ])
                    "'--version' is not the only argument"
                    "the version"

                Expect.stringContains (misuse (plain @ [ "a"; "--version" ])) "--version" "no option of push")

        // They change the current folder of the process.
        testSequenced (
            testList "in the current folder" [
                testCase "an option that is the name of a file is refused without '--'" (fun () ->
                    use folder = new Folder()
                    let before = Environment.CurrentDirectory
                    Environment.CurrentDirectory <- folder.Path

                    try
                        for name in
                            [ "--quiet"; "--json"; "--format=json"; "--resume"; "--concurrency=1"; "-x" ] do
                            folder.Write(name, "") |> ignore
                            let arguments = [ "push"; "--spec"; "s"; "--cell-id"; "c"; name; "a" ]
                            let told = misuse arguments

                            Expect.stringContains
                                told
                                $"'{name}' looks like an option, and is the name of a file"
                                name

                            Expect.sequenceEqual
                                (push $"--spec s --cell-id c -- {name} a").Paths
                                [ name; "a" ]
                                name

                            File.Delete(folder.At name)

                        folder.Write("--quiet", "") |> ignore
                        let plain = push "--spec s --cell-id c --quiet --"
                        Expect.isTrue plain.Quiet "the option"
                        Expect.isEmpty plain.Paths "no paths"
                    finally
                        Environment.CurrentDirectory <- before)

                testCase "a file named '--' is not taken for the separator" (fun () ->
                    use folder = new Folder()
                    let before = Environment.CurrentDirectory
                    Environment.CurrentDirectory <- folder.Path

                    try
                        folder.Write("--", "evidence") |> ignore
                        let plain = [ "push"; "--spec"; "s"; "--cell-id"; "c" ]

                        for paths in [ [ "--"; "a" ]; [ "a"; "--" ]; [ "--" ]; [ "a"; "--"; "-x" ] ] do
                            let told = misuse (plain @ paths)

                            Expect.stringContains
                                told
                                "'--' looks like an option, and is the name of a file"
                                $"%A{paths}"

                            Expect.stringContains told "'./NAME'" "one way out"
                            Expect.stringContains told "put '--' before the PATHs" "another"

                        Expect.sequenceEqual
                            (push "--spec s --cell-id c -- -- a").Paths
                            [ "--"; "a" ]
                            "twice"

                        Expect.sequenceEqual
                            (push "--spec s --cell-id c ./-- a").Paths
                            [ "./--"; "a" ]
                            "as a path"
                    finally
                        Environment.CurrentDirectory <- before)
            ]
        )

        testCaseTask "the built tool shows its help and version, and ends with 0" (fun () ->
            task {
                for arguments, told in
                    [
                        [ "--help" ],
                        [
                            "check"
                            "push"
                            "drain"
                            "verify"
                            "Examples:"
                            "CELLOS_EXPORT_S3_PRESIGNED_URL__TARGET"
                            "docs/operators.md"
                        ]
                        [ "help" ], [ "check"; "push"; "verify"; "Examples:" ]
                        [ "help"; "push" ], [ "--receipts"; "--resume out"; "CELLOS_EXPORT_DIR" ]
                        [ "drain"; "--help" ],
                        [ "--spec"; "--target"; "--spool"; "--receipts"; "--seals"; "--concurrency" ]
                        [ "verify"; "--help" ], [ "--receipts"; "--seals"; "--key"; "--bundle"; "--json" ]
                        [ "check"; "--help" ], [ "--spec"; "--cell-id"; "--target"; "--json" ]
                        [ "push"; "-h" ],
                        [
                            "--spec"
                            "--cell-id"
                            "--target"
                            "--root"
                            "--receipts"
                            "--resume"
                            "--format <FORMAT>"
                            "in-toto: an unsigned"
                            "--concurrency"
                            "1 to 256"
                            "Default: 4"
                            "--header"
                            "NAME: VALUE"
                            "--quiet"
                            "PATH"
                        ]
                        [ "--version" ], [ "." ]
                    ] do
                    let! struct (code, output, error) = runTool arguments
                    Expect.equal code 0 "shown"
                    Expect.equal error "" "nothing on standard error"

                    for part in told do
                        Expect.stringContains output part part

                    Expect.isFalse
                        (output.Split '\n' |> Array.exists (fun line -> line.Length > 120))
                        "lines of a length to be read"
            })

        testCaseTask "the built tool alone shows its help on standard error, and ends with 2" (fun () ->
            task {
                let! struct (code, output, error) = runTool []
                let! struct (_, help, _) = runTool [ "--help" ]
                Expect.equal (code, output) (2, "") "refused"
                Expect.equal error help "the help"
            })

        testCaseTask "the built tool refuses what it cannot understand with 2, on standard error" (fun () ->
            task {
                for arguments, help in
                    [
                        [ "chek" ], "--help' for the commands."
                        [ "check" ], "check --help' for its options."
                        [ "push"; "--spec"; "s"; "--cell-id"; "c"; "--nonsense" ],
                        "push --help' for its options."
                        [ "verify"; "--head"; "1:2" ], "verify --help' for its options."
                        [ "drain"; "--nonsense" ], "drain --help' for its options."
                    ] do
                    let! struct (code, output, error) = runTool arguments
                    Expect.equal code 2 "refused"
                    Expect.equal output "" "nothing on standard output"
                    Expect.stringStarts error "cellos-export-s3: " "a sentence"
                    Expect.stringContains error help "the help of its command"
                    Expect.isFalse (error.Contains "   at ") "no stack trace"
            })
    ]
