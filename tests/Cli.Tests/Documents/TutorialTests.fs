/// The tutorials, run as they are written, each from the folder of the clone.
module Cli.Tests.TutorialTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private read (name: string) =
    File.ReadAllText(Path.Combine(root, "docs", "tutorials", name))

let private blocks (text: string) = [
    for found in Regex.Matches(text, "(?m)^```sh\n(.*?)^```", RegexOptions.Singleline) ->
        found.Groups[1].Value
]

/// The block, which ends the script if it fails. A line with `# refused: N` is to end with N.
let private scripted (block: string) =
    Regex.Replace(
        block,
        "(?m)^(.*) # refused: (\\d)$",
        (fun (found: Match) ->
            $"{found.Groups[1].Value} && code=0 || code=$?\n[ $code = {found.Groups[2].Value} ] || {{ echo \"ended with $code\" >&2; exit 9; }}")
    )

/// Runs a tutorial in a folder of its own, which has what it uses of the clone, with the tool under test. The store of the
/// quickstart is another one than that of the clone.
let private run (name: string) =
    task {
        use folder = new Folder()

        for part in [ "src"; "samples" ] do
            Directory.CreateSymbolicLink(folder.At part, Path.Combine(root, part)) |> ignore

        let kept = folder.At "obj/quickstart.env"
        Directory.CreateDirectory(folder.At "obj") |> ignore
        let program = builtProgram "samples/Quickstart" "Quickstart"

        // What build.sh does, without the build.
        let build =
            $"""[ "$*" = "quickstart --keep" ] || exit 9
{{ dotnet {quote program} --keep=5m & }} >{quote (folder.At "obj/quickstart.log")} 2>&1 </dev/null
until [ -e {quote kept} ]; do sleep 0.1; done
"""

        let script = folder.Write("build.sh", "#!/usr/bin/env bash\n" + build)
        File.SetUnixFileMode(script, UnixFileMode.UserRead ||| UnixFileMode.UserExecute)

        let commands =
            blocks (read name)
            |> List.map (fun block ->
                Regex.Replace(
                    scripted block,
                    "(?m)^cellos-export-s3\\(\\) .*$",
                    (fun (_: Match) -> $"cellos-export-s3() {{ {quotedTool} \"$@\"; }}")
                ))

        let stop = "trap 'kill \"${QUICKSTART_PROCESS:-}\" 2>/dev/null || true' EXIT"

        let script =
            [ "set -eu -o pipefail"; stop; $"cd {quote folder.Path}" ] @ commands
            |> String.concat "\n"

        use child = new Child("bash", [ "-c"; script ], [ "QUICKSTART_KEEP_FILE", kept ])
        let! struct (code, output, error) = child.End()
        Expect.equal code 0 $"{name}:\n{output}\n{error}"

        for found in Regex.Matches(read name, "`(VERIFIED: [^`]*|This can be used\\.)`") do
            Expect.stringContains output found.Groups[1].Value "what the tutorial says"

        return folder.Path, output, error
    }

[<Tests>]
let tests =
    testList "the tutorials" [
        testCaseTask "a first export" (fun () ->
            task {
                let! _, output, error = run "first-export.md"
                Expect.stringContains output "This can be used." "check"

                Expect.stringContains
                    output
                    "\"destination\":\"s3://my-cellos-evidence/cell-7/report.json\""
                    "push"

                Expect.stringContains output "\"integrity\":\"etag-md5\"" "the store"
                Expect.stringContains error "2 skipped" "resumed"
                Expect.stringContains output "VERIFIED: each of 2 artifacts" "verify"
                Expect.stringContains output "altered" "a change"
            })

        testCaseTask "with a broker" (fun () ->
            task {
                let! _, output, error = run "with-a-broker.md"
                Expect.stringContains output "cellos-export-s3-probe" "the probe"

                let receipts =
                    output.Split '\n' |> Array.filter (fun line -> line.Contains "\"integrity\"")

                Expect.hasLength receipts 2 "receipts"

                for receipt in receipts do
                    Expect.stringContains receipt "\"integrity\":\"checksum-sha256\"" "bound to the content"

                Expect.stringContains (output + error) "other-bucket" "a bucket that is refused"
            })

        testCaseTask "for an auditor" (fun () ->
            task {
                if not (has "openssl" && has "curl") then
                    skiptest "openssl or curl is not installed"

                let! _, output, _ = run "for-an-auditor.md"
                Expect.stringContains output "VERIFIED: each of 2 artifacts is sealed" "verify"
                Expect.stringContains output "altered" "a change of the evidence"
                Expect.stringContains output "forged" "a change of the seals"
            })

        testCase "are all of these" (fun () ->
            Directory.GetFiles(Path.Combine(root, "docs", "tutorials"))
            |> Seq.map (Path.GetFileName >> nonNull)
            |> Seq.sort
            |> List.ofSeq
            |> fun names ->
                Expect.equal
                    names
                    [ "first-export.md"; "for-an-auditor.md"; "with-a-broker.md" ]
                    "each has a test")
    ]
