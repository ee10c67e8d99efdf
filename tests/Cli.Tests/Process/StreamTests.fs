/// Standard output and standard error as operators have them: closed, full, or without a reader.
module Cli.Tests.StreamTests

open System
open System.IO
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3.Cli.Streams
open CellOS.Export.S3.Core
open Expecto
open LoopbackS3
open Microsoft.Win32.SafeHandles
open Cli.Tests.Scene
open Cli.Tests.Shell
open Cli.Tests.Support

/// The lines of JSON among others.
let private objectsIn (text: string) =
    text.Split('\n')
    |> Array.filter _.StartsWith('{')
    |> String.concat "\n"
    |> objects

let private bundle (scene: Scene) (names: string list) =
    for name in names do
        scene.Folder.Write($"out/{name}", $"evidence of {name}") |> ignore

    scene.Folder.At "out"

[<DllImport("libc", EntryPoint = "pipe2", SetLastError = true)>]
extern int private pipe2(int[] descriptors, int flags)

[<DllImport("libc", EntryPoint = "fcntl", SetLastError = true)>]
extern int private control(int descriptor, int command, int flags)

/// O_NONBLOCK
[<Literal>]
let private NonBlocking = 0x800

/// The reading end of a pipe, and the writing end with these flags.
let private ends (flags: int) =
    let ends = Array.zeroCreate<int> 2

    // F_SETFL
    if pipe2 (ends, 0x80000) <> 0 || control (ends[1], 4, flags) <> 0 then
        failtest "no pipe could be made"

    new SafeFileHandle(nativeint ends[0], true), new SafeFileHandle(nativeint ends[1], true)

[<Tests>]
let tests =
    testList "streams" [
        testCaseTask "a standard error that takes nothing changes nothing else" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "a"; "b" ]
                let out = bundle scene names
                let variables = scene.Manifest("cell-7", names)

                for redirection in [ "2>/dev/full"; "2>&-" ] do
                    let! struct (code, output, _) = shellPush scene variables [ out ] redirection
                    Expect.equal code 0 redirection
                    Expect.hasLength (objects output) 2 redirection
                    objects output |> List.iter scene.IsTrue

                    let! struct (code, output, _) =
                        shellPush scene variables [ scene.Folder.At "none" ] redirection

                    Expect.equal (code, output) (2, "") $"refused, {redirection}"
            })

        testCaseTask "a standard error that has reached its size limit changes nothing else" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let log = scene.Folder.Write("log", String('x', 4096))

                // The write fails with EFBIG. The runtime maps its code through files, unless told not to.
                let variables =
                    ("DOTNET_EnableWriteXorExecute", "0") :: scene.Manifest("cell-7", [ "a" ])

                let! struct (code, output, _) =
                    shellToolAfter "ulimit -f 1" variables (pushOf scene [ out ]) $"2>>{quote log}"

                Expect.equal code 0 "exported"
                objects output |> List.exactlyOne |> scene.IsTrue
                Expect.equal (FileInfo log).Length 4096L "nothing was written there"
            })

        testCaseTask "a current folder whose path is not valid UTF-8 is refused" (fun () ->
            task {
                use! scene = scene ()
                bundle scene [ "a" ] |> ignore
                // The path that .NET reads leads to another folder, which exists.
                scene.Folder.Write("wd\ufffd/out/a", "a decoy") |> ignore

                let folder = quote scene.Folder.Path + "/$'wd\\xff'"

                let! struct (code, output, error) =
                    shellToolAfter
                        $"mkdir -p {folder}/out && echo evidence >{folder}/out/a && cd {folder}"
                        (scene.Manifest("cell-7", [ "a" ]))
                        (pushOf scene [ "out" ])
                        $"; code=$?; rm -rf {folder}; exit $code"

                Expect.equal (code, output) (2, "") error
                Expect.stringContains error "The path of the current folder is not valid UTF-8." "the reason"
                Expect.isEmpty scene.Server.Requests "no request"
            })

        testCaseTask "a current folder that was removed is refused" (fun () ->
            task {
                use! scene = scene ()
                let folder = quote (scene.Folder.At "gone")

                let! struct (code, output, error) =
                    shellToolAfter
                        $"mkdir {folder} && cd {folder} && rmdir {folder}"
                        scene.SeedVariables
                        (pushOf scene [ bundle scene [ "a" ] ])
                        ""

                Expect.equal (code, output) (2, "") error
                Expect.stringContains error "The current folder is not there any more." "the reason"
            })

        testCaseTask "a standard output that takes nothing ends the push with 1" (fun () ->
            task {
                use! scene = scene ()
                let names = [ for i in 1..60 -> $"f{i}" ]
                let out = bundle scene names
                let receipts = scene.Folder.At "receipts.jsonl"
                let gone = scene.Folder.At "gone"
                let variables = scene.Manifest("cell-7", names)

                // The second artifact is taken when the reader of the first result has gone.
                scene.Server.OnAttempt <-
                    fun _ ->
                        if scene.Server.Requests.Count > 1 then
                            SpinWait.SpinUntil((fun () -> File.Exists gone), TimeSpan.FromSeconds 20.)
                            |> ignore

                        Fault.None

                for redirection, begun in
                    [ $"| (head -n 1; exec 0<&-; touch '{gone}')", 2; "> /dev/full", 1; ">&-", 1 ] do
                    if File.Exists receipts then
                        File.Delete receipts

                    let before = scene.Server.Requests.Count

                    let! struct (code, output, error) =
                        shellPush
                            scene
                            variables
                            [ out; "--receipts"; receipts; "--concurrency"; "1" ]
                            redirection

                    Expect.equal code 1 $"{redirection}: {error}"
                    Expect.stringContains error "Standard output cannot be written" redirection
                    Expect.isFalse (error.Contains "Unexpected") error
                    objects output |> List.iter scene.IsTrue
                    let kept = (textOf receipts).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    Expect.hasLength kept begun $"{redirection}: nothing new was begun"
                    Expect.equal (scene.Server.Requests.Count - before) begun $"{redirection}: nor sent"

                    for line in kept do
                        Expect.isOk (Receipt.parse line) "whole receipts"
                        List.iter scene.IsTrue (objects line)
            })

        testCaseTask "a reader that takes all there is may go then" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "a"; "b"; "c" ]
                let out = bundle scene names

                let! struct (code, output, error) =
                    shellPush scene (scene.Manifest("cell-7", names)) [ out ] "| head -n 3"

                Expect.equal code 0 error
                Expect.hasLength (objects output) 3 "all of them"
            })

        testCaseTask "an interruption ends what waits for a pipe" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                pipe (scene.Folder.At "pipe")

                use child =
                    toolWith [] [ "push"; "--spec"; scene.Folder.At "pipe"; "--cell-id"; "c"; out ]

                // Who opens a pipe waits for the other end, so from here on the tool reads.
                use _ =
                    new FileStream(
                        scene.Folder.At "pipe",
                        FileMode.Open,
                        FileAccess.Write,
                        FileShare.ReadWrite
                    )

                child.Signal 15
                let! struct (code, output, error) = child.End()
                Expect.equal (code, output) (143, "") error
                Expect.stringContains error "Interrupted" "it says so"
            })

        testCaseTask "no name is anything but a name" (fun () ->
            task {
                use! scene = scene ()
                let names = [ "[red]x[/red]"; "{0} %s $(id) `id`"; "\u202Ertl"; "😀 emoji"; "-rf" ]
                let out = bundle scene names
                let variables = scene.Manifest("cell-7", names)

                let! struct (code, output, error) = shellPush scene variables [ out ] ""
                Expect.equal code 0 error

                Expect.equal
                    (objects output |> List.map (text "artifactName") |> List.sort)
                    (List.sort names)
                    "as they are"

                objects output |> List.iter scene.IsTrue
                Expect.isFalse (error.Contains '\u202E') "and not to the terminal"
                Expect.stringContains error "[red]x[/red]" "nor interpreted"
            })

        testCaseTask "the receipts file is known by whatever path, and kept out of the bundle" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let receipts = Path.Join(out, "receipts.jsonl")
                File.WriteAllText(receipts, line "z" + "\n")
                Directory.CreateSymbolicLink(scene.Folder.At "link", out) |> ignore
                File.CreateSymbolicLink(scene.Folder.At "file-link", receipts) |> ignore
                shell "ln \"$0/out/receipts.jsonl\" \"$0/hard\"" scene.Folder.Path |> ignore

                for path in [ "link/receipts.jsonl"; "file-link"; "hard"; "out/../out/receipts.jsonl" ] do
                    let! struct (code, output, error) =
                        shellPush
                            scene
                            (scene.Manifest("cell-7", [ "a" ]))
                            [ out; "--receipts"; scene.Folder.At path ]
                            ""

                    Expect.equal code 0 $"{path}: {error}"

                    Expect.equal (objects output |> List.map (text "artifactName")) [ "a" ] path

                    Expect.stringContains error "is the receipts file; it is left out" path
            })

        testCaseTask "a receipts file that may be evidence is refused" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a"; "deep/b" ]
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                let evidence = Path.Join(out, "a")
                let empty = scene.Folder.Write("out/deep/empty", "")
                let receipts = scene.Folder.Write("out/r", line "z" + "\n")
                let variables = scene.Manifest("cell-7", [ "a"; "deep/b"; "deep/empty" ])
                shell "ln \"$0/out/r\" \"$0/out/deep/r\"" scene.Folder.Path |> ignore
                let strict = ("CELLOS_STRICT_CONFIG", "1") :: variables

                for variables, paths, file, said in
                    [
                        variables, [ evidence ], evidence, "is an artifact and the receipts file"
                        variables, [ receipts ], receipts, "is an artifact and the receipts file"
                        strict, [ evidence ], evidence, "is an artifact and the receipts file"
                        variables, [ out ], empty, "may be evidence"
                        strict, [ out ], receipts, "CELLOS_STRICT_CONFIG=1 refuses folders"
                        strict,
                        [ Path.Join(out, "deep") ],
                        receipts,
                        "CELLOS_STRICT_CONFIG=1 refuses folders"
                    ] do
                    let before = File.ReadAllText file

                    let! struct (code, output, error) =
                        shellPush scene variables (paths @ [ "--receipts"; file ]) ""

                    Expect.equal (code, output) (2, "") $"%A{paths}: {error}"
                    Expect.stringContains error said $"%A{paths}"
                    Expect.equal (File.ReadAllText file) before "it is as it was"

                File.WriteAllText(scene.Spec, seedSpec + "  artifacts: [{name: a, path: a}]\n")

                let! struct (code, output, error) =
                    shellPush scene variables [ "--root"; out; "--receipts"; evidence ] ""

                Expect.equal (code, output) (2, "") $"of the spec: {error}"
                Expect.stringContains error "is an artifact and the receipts file" "of the spec"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "the receipts file is not where standard output or standard error goes" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let receipts = scene.Folder.At "r"

                for path, redirection in
                    [
                        receipts, $">> '{receipts}'"
                        "/dev/stdout", $"> '{receipts}'"
                        receipts, $"2>> '{receipts}'"
                    ] do
                    let! struct (code, _, _) =
                        shellPush scene scene.SeedVariables [ out; "--receipts"; path ] redirection

                    Expect.equal code 2 redirection

                Expect.isEmpty scene.Server.Requests "nothing was sent"
                Expect.stringContains (textOf receipts) "is where standard output" "said so"
            })

        testCaseTask "what is refused is told in sentences, and nothing else is" (fun () ->
            task {
                use! scene = scene ()
                let segment = String('a', 250)
                let long = String.Join('/', Array.replicate 5 segment)
                scene.Folder.Write($"long/{long}", "") |> ignore
                let out = bundle scene [ "a" ]
                let variables = scene.SeedVariables

                for arguments, told in
                    [
                        [ scene.Folder.At "long" ], "S3 allows 1024"
                        [ out; "--receipts"; scene.Folder.At "none/r" ], "there is no folder"
                    ] do
                    let! struct (code, output, error) = shellPush scene variables arguments ""
                    Expect.equal (code, output) (2, "") error
                    let sentence = error.TrimEnd()
                    Expect.hasLength (sentence.Split '\n') 1 sentence
                    Expect.stringStarts sentence "cellos-export-s3: " "ours"
                    Expect.stringContains sentence told "why"
                    Expect.isFalse (sentence.Contains "Parameter") "of the command, not of the code"
            })

        testCaseTask "closed standard descriptors lose no result unnoticed" (fun () ->
            task {
                for redirection in
                    [ "<&-"; ">&-"; "2>&-"; "<&- >&-"; "<&- 2>&-"; ">&- 2>&-"; "<&- >&- 2>&-" ] do
                    use! scene = scene ()
                    let names = [ "a"; "b"; "c" ]
                    let out = bundle scene names
                    let receipts = scene.Folder.At "receipts.jsonl"
                    let variables = scene.Manifest("cell-7", names)

                    let! struct (code, output, error) =
                        shellPush
                            scene
                            variables
                            [ out; "--receipts"; receipts; "--concurrency"; "1" ]
                            redirection

                    let kept = (textOf receipts).Split('\n', StringSplitOptions.RemoveEmptyEntries)

                    for line in kept do
                        Expect.isOk (Receipt.parse line) $"{redirection}: a whole receipt"
                        List.iter scene.IsTrue (objects line)

                    if redirection.Contains " >&-" || redirection.StartsWith ">&-" then
                        Expect.equal (code, output) (1, "") $"push {redirection}: {error}"
                        Expect.hasLength kept 1 "what was stored has its receipt, and nothing new was begun"
                    else
                        Expect.equal code 0 $"push {redirection}: {error}"
                        Expect.hasLength kept 3 "all of them"

                        Expect.equal
                            (output.Split('\n', StringSplitOptions.RemoveEmptyEntries) |> Array.sort)
                            (Array.sort kept)
                            $"push {redirection}: receipts and nothing else"

                    if redirection.Contains "2>&-" then
                        Expect.equal error "" redirection

                    let! struct (code, output, error) =
                        shellTool variables [ "check"; "--spec"; scene.Spec ] redirection

                    if redirection.Contains " >&-" || redirection.StartsWith ">&-" then
                        Expect.equal (code, output) (1, "") $"check {redirection}: {error}"
                    else
                        Expect.equal code 0 $"check {redirection}: {error}"
                        Expect.stringContains output "artifact-bucket" $"check {redirection}"
            })

        testCaseTask "a receipts file that is a stream is named as what it is" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let file = scene.Folder.At "file"

                for path, redirection, said in
                    [
                        "/dev/stdout", "| cat", "is a pipe"
                        "/dev/fd/1", "| cat", "is a pipe"
                        "/proc/self/fd/1", "| cat", "is a pipe"
                        "/dev/stderr", "2> >(cat >&2)", "is a pipe"
                        "/dev/fd/3", "3> >(cat > /dev/null)", "is a pipe"
                        "/dev/fd/3", "3< <(true)", "is a pipe"
                        "/dev/stdin", "< /dev/null", "is a device"
                        file, $"> '{file}'", "is where standard output"
                    ] do
                    let! struct (code, output, error) =
                        shellPush scene scene.SeedVariables [ out; "--receipts"; path ] redirection

                    Expect.equal (code, output) (2, "") $"{path} {redirection}: {error}"
                    Expect.stringContains error said $"{path} {redirection}"

                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "a receipts file that has been deleted takes no receipts" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let gone = scene.Folder.At "gone"

                use child =
                    new Child(
                        "bash",
                        [ "-c"; "exec 3<>\"$0\"; rm \"$0\"; \"$@\" --receipts /dev/fd/3"; gone ]
                        @ tool
                        @ [ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7"; out ],
                        scene.SeedVariables
                    )

                let! struct (code, output, error) = child.End()
                Expect.equal (code, output) (2, "") error
                Expect.stringContains error "is a file that has been deleted" "said so"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask
            "an argument or a variable that is not valid UTF-8 is rejected, whatever lies beside it"
            (fun () ->
                task {
                    use! scene = sceneBehind true
                    let out = bundle scene [ "a" ]
                    // .NET reads the wrong byte as U+FFFD, and would find these.
                    scene.Folder.Write("c\ufffd/decoy", "decoy") |> ignore
                    File.Copy(scene.Spec, scene.Folder.At "s\ufffd")

                    let run (words: string) =
                        task {
                            use child =
                                new Child(
                                    "bash",
                                    [
                                        "-c"
                                        $"cd \"$0\" && \"$@\" push --cell-id cell-7 {words}"
                                        scene.Folder.Path
                                    ]
                                    @ tool,
                                    scene.SeedVariables
                                )

                            return! child.End()
                        }

                    for words, shown in
                        [
                            @"--spec cell.yaml $'c\xff'", @"c\xff'"
                            @"--spec cell.yaml -- $'c\xff'", @"c\xff'"
                            @"--spec cell.yaml out $'c\xff'", @"c\xff'"
                            @"--spec cell.yaml $'c\xc0\xaf'", @"c\xc0\xaf'"
                            @"--spec cell.yaml $'c\xed\xa0\x80'", @"c\xed\xa0\x80'"
                            @"--spec cell.yaml $'c\xe2\x82'", @"c\xe2\x82'"
                            @"--spec $'s\xff' out", @"s\xff'"
                            @"--spec=$'s\xff' out", @"--spec=s\xff'"
                            @"--spec cell.yaml --receipts $'r\xff' out", @"r\xff'"
                            @"--spec cell.yaml --receipts=$'r\xff' out", @"--receipts=r\xff'"
                            @"--spec cell.yaml --root $'c\xff'", @"c\xff'"
                            @"--spec cell.yaml --target $'t\xff' out", @"t\xff'"
                        ] do
                        let! struct (code, output, error) = run words
                        Expect.equal (code, output) (2, "") $"{words}: {error}"
                        Expect.stringContains error "is not valid UTF-8" words
                        Expect.stringContains error $"The argument '{shown}" words

                    Expect.isEmpty scene.Server.Requests "nothing was sent"
                    Expect.isFalse (File.Exists(scene.Folder.At "r\ufffd")) "nothing was made"

                    for name in
                        [ urlsFileVariable; "CELLOS_CA_BUNDLE"; "CELLOS_EXPORT_S3_KEY_PREFIX" + suffix ] do
                        for command in [ "push --cell-id cell-7 out"; "check" ] do
                            use child =
                                new Child(
                                    "bash",
                                    [
                                        "-c"
                                        $"cd \"$0\" && export {name}=$'u\\xff' && \"$@\" {command} --spec cell.yaml"
                                        scene.Folder.Path
                                    ]
                                    @ tool,
                                    scene.SeedVariables
                                )

                            let! struct (code, output, error) = child.End()
                            Expect.equal (code, output) (2, "") $"{name}, {command}: {error}"
                            Expect.stringContains error $"{name}: the value is not valid UTF-8" command

                    Expect.isEmpty scene.Server.Requests "nothing was sent"

                    // The same names, given as they really are.
                    let! struct (code, output, error) =
                        run @"--spec $'s\xef\xbf\xbd' --receipts $'r\xef\xbf\xbd' $'c\xef\xbf\xbd' out"

                    Expect.equal code 0 error
                    Expect.hasLength (objects output) 2 "both"
                    objects output |> List.iter scene.IsTrue
                    Expect.isTrue (File.Exists(scene.Folder.At "r\ufffd")) "the receipts file"
                })

        testCaseTask "a result is lost with 1 if its reader leaves while the tool waits for room" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let receipts = scene.Folder.At "receipts"
                // The pipe is full from the first. Its reader leaves when there is a result, whose receipt comes first.
                let full =
                    "head -c $(getconf PAGE_SIZE)0000 /dev/zero | dd of=/dev/stdout bs=65536 oflag=nonblock 2>/dev/null"

                let leaves = "until test -s receipts; do :; done; exec 0<&-"

                use child =
                    new Child(
                        "bash",
                        [
                            "-c"
                            $"set -o pipefail; cd \"$0\"; {{ {full}; exec \"$@\"; }} | {{ {leaves}; }}"
                            scene.Folder.Path
                            yield! tool
                            "push"
                            "--spec"
                            scene.Spec
                            "--cell-id"
                            "cell-7"
                            "--receipts"
                            receipts
                            out
                        ],
                        scene.Manifest("cell-7", [ "a" ])
                    )

                let! struct (code, _, error) = child.End()
                Expect.equal code 1 error
                Expect.stringContains error "Standard output cannot be written" "the reason"
            })

        testCaseTask
            "an interruption ends a push whose reader does not read, and receipts are kept"
            (fun () ->
                task {
                    use! scene = scene ()
                    let names = [ for i in 1..20 -> $"f{i}" ]
                    let out = bundle scene names
                    let receipts = scene.Folder.At "receipts"

                    let full =
                        "head -c $(getconf PAGE_SIZE)0000 /dev/zero | dd of=/dev/stdout bs=65536 oflag=nonblock 2>/dev/null"

                    // The reader reads nothing until the tool has ended.
                    let reads = "until test -s code; do :; done; cat >/dev/null"

                    let signals =
                        "until test -s receipts && test -s pid; do :; done; kill -TERM $(cat pid)"

                    use child =
                        new Child(
                            "bash",
                            [
                                "-c"
                                $"cd \"$0\"; ({signals}) & {{ {full}; \"$@\" & echo $! >pid; wait $!; echo $? >code; }} | {{ {reads}; }}; exit $(cat code)"
                                scene.Folder.Path
                                yield! tool
                                "push"
                                "--spec"
                                scene.Spec
                                "--cell-id"
                                "cell-7"
                                "--receipts"
                                receipts
                                out
                            ],
                            scene.Manifest("cell-7", names)
                        )

                    let! struct (code, _, error) = child.End()
                    Expect.equal code 143 error
                    Expect.stringContains error "Interrupted" "it says so"
                    let kept = File.ReadAllLines receipts
                    Expect.isGreaterThan kept.Length 0 "what is stored"
                    Expect.isLessThan kept.Length names.Length "the rest was not begun"

                    for line in kept do
                        Expect.isOk (Receipt.parse line) "whole receipts"
                        List.iter scene.IsTrue (objects line)
                })

        testCaseTask "a line of a few thousand characters is written at once" (fun () ->
            task {
                // O_DIRECT: each read returns the bytes of one write.
                let packets =
                    match RuntimeInformation.ProcessArchitecture with
                    | Architecture.Arm
                    | Architecture.Arm64 -> 0x10000
                    | _ -> 0x4000

                let readEnd, writeEnd = ends packets
                use readEnd = readEnd
                use writeEnd = writeEnd

                use writer =
                    StandardDescriptors.Writer(
                        writeEnd.DangerousGetHandle().ToInt32(),
                        false,
                        fun () -> CancellationToken.None
                    )

                let line = String('x', 4000)
                writer.WriteLine line
                use reading = new FileStream(readEnd, FileAccess.Read, 0)
                let packet: byte[] = Array.zeroCreate 8192
                let! read = reading.ReadAsync(Memory packet)
                Expect.equal (Text.Encoding.UTF8.GetString(packet, 0, read)) (line + "\n") "one write"
            })

        testCaseTask
            "results and messages are whole lines where standard output and standard error are one pipe"
            (fun () ->
                task {
                    use! scene = scene ()
                    // Lines of more than a pipe takes at once.
                    let names = [ for i in 1..60 -> $"%02d{i}/{String('é', 100)}/{String('ü', 120)}" ]
                    let out = bundle scene names
                    let variables = scene.Manifest("cell-7", names)

                    for format in [ "json"; "in-toto" ] do
                        let! struct (code, output, _) =
                            shellPush
                                scene
                                variables
                                [ "--concurrency"; "32"; "--format"; format; out ]
                                "2>&1 | cat"

                        Expect.equal code 0 output

                        let lines =
                            output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                            |> Array.filter (fun line -> not (line.StartsWith "warning "))

                        let isMessage (line: string) = line.StartsWith "exported "
                        Expect.hasLength (lines |> Array.filter isMessage) 60 "a message for each"

                        Expect.hasLength
                            (lines |> Array.filter _.StartsWith('{') |> String.concat "\n" |> objects)
                            60
                            "a result for each"

                        Expect.hasLength lines 121 "and the sum"
                })

        testCaseTask "a stream that was given up takes nothing more" (fun () ->
            task {
                let readEnd, writeEnd = ends 0
                use readEnd = readEnd
                use writeEnd = writeEnd
                use interruption = new CancellationTokenSource()
                let descriptor = writeEnd.DangerousGetHandle().ToInt32()
                use stream = new DescriptorStream(descriptor, false, fun () -> interruption.Token)
                let bytes: byte[] = Array.zeroCreate 1_000_000
                let writing = Task.Run(fun () -> stream.Write(ReadOnlySpan bytes))
                interruption.Cancel()
                use reading = new FileStream(readEnd, FileAccess.Read, 0)

                try
                    do! writing
                    failtest "the bytes are lost"
                with :? LostOutputException as lost ->
                    Expect.stringContains lost.Message "interrupted" "the reason"

                // There is room now.
                let! _ = reading.ReadAsync(Memory(Array.zeroCreate 65536))

                Expect.throwsT<LostOutputException>
                    (fun () -> stream.Write(ReadOnlySpan bytes[..0]))
                    "half a line is followed by nothing"
            })

        for kind, flags in [ "a pipe", 0; "a pipe that does not make its writer wait", NonBlocking ] do
            testCaseTask $"{kind} gets all bytes, or its writer an error" (fun () ->
                task {
                    let bytes = Array.init 1_000_000 byte

                    for readsAll in [ true; false ] do
                        let readEnd, writeEnd = ends flags
                        use reading = new FileStream(readEnd, FileAccess.Read, 0)
                        use writeEnd = writeEnd
                        let descriptor = writeEnd.DangerousGetHandle().ToInt32()

                        use stream =
                            new DescriptorStream(descriptor, false, fun () -> CancellationToken.None)

                        let writing =
                            Task.Run(fun () ->
                                stream.Write(ReadOnlySpan bytes)
                                writeEnd.Dispose())
                        // More than a pipe has room for: the writer is at work from the first byte to the last.
                        let first = Array.zeroCreate<byte> 1
                        do! reading.ReadExactlyAsync(Memory first)

                        if readsAll then
                            use rest = new MemoryStream()
                            do! reading.CopyToAsync rest
                            do! writing
                            Expect.sequenceEqual (rest.ToArray()) bytes[1..] "all of them, in order"
                        else
                            reading.Dispose()

                            try
                                do! writing
                                failtest "the bytes are lost"
                            with :? LostOutputException as lost ->
                                Expect.stringContains lost.Message "Broken pipe" "the reason"
                })

        testCaseTask
            "results and messages are UTF-8 without a byte order mark, whatever the locale"
            (fun () ->
                task {
                    use! scene = scene ()
                    let name = "beweis-日本-Δ-😀"
                    let out = bundle scene [ name ]
                    let variables = scene.Manifest("cell-7", [ name ])
                    let file = scene.Folder.At "output"
                    let errors = scene.Folder.At "errors"

                    for locale in
                        [ "en_US.ISO-8859-1"; "en_US.US-ASCII"; "C.UTF-16"; "ja_JP.SHIFT_JIS"; "C"; "" ] do
                        let variables = ("LC_ALL", locale) :: ("LANG", locale) :: variables

                        let! struct (code, _, _) =
                            shellPush scene variables [ out ] $"> {quote file} 2> {quote errors}"

                        Expect.equal code 0 $"{locale}: {textOf errors}"
                        let bytes = File.ReadAllBytes file
                        Expect.equal bytes[0] (byte '{') $"{locale}: no byte order mark"

                        let receipt = objects (Text.Encoding.UTF8.GetString bytes) |> List.exactlyOne
                        Expect.equal (text "artifactName" receipt) name locale
                        scene.IsTrue receipt
                        Expect.stringContains (textOf errors) name $"{locale}: standard error"

                        let! struct (code, _, _) =
                            shellPush scene variables [ scene.Folder.At "Δ" ] $"2> {quote errors}"

                        Expect.equal code 2 locale
                        Expect.stringContains (textOf errors) "Δ'" locale

                        let! struct (code, _, _) =
                            shellTool
                                (("CELLOS_EXPORT_S3_KEY_PREFIX" + suffix, "Δ") :: variables)
                                [ "check"; "--spec"; scene.Spec ]
                                $"> {quote file}"

                        Expect.equal code 0 locale
                        Expect.stringContains (textOf file) "Δ" $"{locale}: check"
                })

        testCaseTask "a reader of help or of check that is gone ends them with 1 and a sentence" (fun () ->
            task {
                use! scene = scene ()

                for arguments in [ [ "push"; "--help" ]; [ "check"; "--spec"; scene.Spec ] ] do
                    let! struct (code, _, error) = shellTool scene.SeedVariables arguments "> /dev/full"
                    Expect.equal code 1 error

                    Expect.stringContains
                        error
                        "Standard output cannot be written: No space left"
                        "the reason"

                    Expect.isFalse (error.Contains "Unexpected") error
            })

        testCaseTask "a receipt that standard output does not take is on standard error" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let variables = scene.Manifest("cell-7", [ "a" ])

                for redirection in [ ">/dev/full"; ">&-"; "| true" ] do
                    let! struct (_, _, error) = shellPush scene variables [ out ] redirection
                    objectsIn error |> List.exactlyOne |> scene.IsTrue
                    Expect.stringContains error "The objects of these receipts are stored" redirection

                    Expect.stringContains
                        error
                        "1 exported (13 B), of which 1 without a written receipt of 1 in "
                        "the sum"
            })

        testCaseTask "a receipt that is in the receipts file is not repeated" (fun () ->
            task {
                use! scene = scene ()
                let out = bundle scene [ "a" ]
                let receipts = scene.Folder.At "receipts.jsonl"

                let! struct (code, _, error) =
                    shellPush
                        scene
                        (scene.Manifest("cell-7", [ "a" ]))
                        [ "--receipts"; receipts; out ]
                        ">/dev/full"

                Expect.equal code 1 error
                Expect.isFalse (error.Contains '{') error
                Expect.stringContains error "1 exported (13 B) of 1 in " "the sum"
                objects (textOf receipts) |> List.exactlyOne |> scene.IsTrue
            })

        testCaseTask
            "a receipt that neither file nor output has in its own form is on standard error"
            (fun () ->
                task {
                    use! scene = scene ()
                    let names = [ for i in 1..60 -> $"f{i}" ]
                    let out = bundle scene names
                    let receipts = scene.Folder.At "receipts.jsonl"

                    // EFBIG, as a full disk gives ENOSPC. The runtime maps its code through files, unless told not to.
                    let variables =
                        ("DOTNET_EnableWriteXorExecute", "0") :: scene.Manifest("cell-7", names)

                    for format, isTold in
                        [
                            [], true
                            [ "--format"; "in-toto" ], false
                            [ "--format"; "cloudevents" ], false
                        ] do
                        File.Delete receipts
                        let before = scene.Server.Requests.Count

                        let! struct (code, output, error) =
                            shellToolAfter
                                "ulimit -f 8"
                                variables
                                (pushOf
                                    scene
                                    ([ "--concurrency"; "1"; "--receipts"; receipts; out ] @ format))
                                "| cat; exit ${PIPESTATUS[0]}"

                        Expect.equal code 1 error
                        let kept = (textOf receipts).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                        let stored = scene.Server.Requests.Count - before
                        Expect.equal stored (kept.Length + 1) "one object without a line"

                        Expect.stringContains error $"{stored} exported" "what is stored"

                        Expect.stringContains
                            error
                            "of which 1 without a written receipt"
                            "what has no receipt"

                        let onError = objectsIn error

                        if isTold then
                            Expect.isEmpty onError "it is on standard output"
                            Expect.hasLength (objects output) stored "all of them"
                        else
                            onError |> List.exactlyOne |> scene.IsTrue
                })

        testCaseTask "a path through a link and '..' leads where the system says" (fun () ->
            task {
                use! scene = scene ()
                // In data/, as the system reads cur/..; beside it, as the text reads.
                let decoys = [ "cell.yaml"; "urls.json"; "r.jsonl"; "out/a" ]
                Directory.CreateDirectory(scene.Folder.At "data/run") |> ignore

                Directory.CreateSymbolicLink(scene.Folder.At "cur", scene.Folder.At "data/run")
                |> ignore

                let variables = scene.Manifest("cell-7", [ "a" ])

                scene.Folder.Write("data/cell.yaml", seedSpec + "  artifacts: [{name: a, path: a}]\n")
                |> ignore

                scene.Folder.Write("data/out/a", "evidence") |> ignore
                File.Move(scene.Folder.At "urls.json", scene.Folder.At "data/urls.json")

                for decoy in decoys do
                    scene.Folder.Write(decoy, "a decoy") |> ignore

                let through (path: string) = scene.Folder.At "cur" + "/../" + path

                let variables =
                    variables
                    |> List.map (fun (name, value) ->
                        if name = urlsFileVariable then name, through "urls.json" else name, value)

                for arguments in [ [ "--root"; through "out" ]; [ through "out" ]; [ through "out/a" ] ] do
                    let! struct (code, output, error) =
                        runToolIn
                            variables
                            ([
                                "push"
                                "--spec"
                                through "cell.yaml"
                                "--cell-id"
                                "cell-7"
                                "--receipts"
                                through "r.jsonl"
                             ]
                             @ arguments)

                    Expect.equal code 0 $"%A{arguments}: {error}"
                    let receipt = objects output |> List.exactlyOne
                    scene.IsTrue receipt

                    Expect.equal
                        (text "sha256" receipt)
                        (sha256 (Text.Encoding.UTF8.GetBytes "evidence"))
                        "it"

                    Expect.equal (textOf (scene.Folder.At "data/r.jsonl")) output "its receipt"
                    File.Delete(scene.Folder.At "data/r.jsonl")

                for decoy in decoys do
                    Expect.equal (textOf (scene.Folder.At decoy)) "a decoy" $"{decoy} is as it was"
            })

        testCaseTask
            "a receipts file that is removed while the push runs takes no receipt, by any path"
            (fun () ->
                task {
                    for path, real in [ "cur/../r.jsonl", "data/r.jsonl"; "r.jsonl", "r.jsonl" ] do
                        use! scene = scene ()
                        let out = bundle scene [ "a" ]
                        Directory.CreateDirectory(scene.Folder.At "data/run") |> ignore

                        Directory.CreateSymbolicLink(scene.Folder.At "cur", scene.Folder.At "data/run")
                        |> ignore

                        scene.Server.OnAttempt <-
                            fun _ ->
                                File.Delete(scene.Folder.At real)
                                Fault.None

                        let! struct (code, _, error) =
                            runToolIn
                                (scene.Manifest("cell-7", [ "a" ]))
                                (pushOf scene [ out; "--receipts"; scene.Folder.Path + "/" + path ])

                        Expect.equal code 1 error
                        Expect.stringContains error "another program has removed or replaced it" path
                })
    ]
