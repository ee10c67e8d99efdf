/// What a push refuses before anything is sent, and what `check` says of the same.
module Cli.Tests.PreflightTests

open System
open System.IO
open System.Text.Json
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private push (scene: Scene) variables (arguments: string list) =
    runToolIn variables ([ "push"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments)

let private check (scene: Scene) variables (arguments: string list) =
    runToolIn variables ([ "check"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ] @ arguments)

let private manifest (scene: Scene) (entries: (string * string) list) = [
    urlsFileVariable, scene.Folder.Write("urls.json", JsonSerializer.Serialize(dict entries))
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS" + suffix, "0"
]

/// A presigned URL that ended years ago.
let private expired (url: string) =
    let at = url.IndexOf("X-Amz-Date=", StringComparison.Ordinal) + 11
    // In the credential, too.
    url.Replace(url.Substring(at, 8), "20200101")

let private withArtifacts (scene: Scene) (names: string list) =
    File.AppendAllText(scene.Spec, "  artifacts:\n")

    for name in names do
        File.AppendAllText(scene.Spec, $"    - {{name: {name}, path: {name}}}\n")

[<Tests>]
let tests =
    testList "before a push" [
        testCaseTask "an error of a URL ends push with 2 as it ends check, and nothing is sent" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.Write("a", "evidence")
                let url = scene.Server.Presign("PUT", bucket, "cell-7/a")

                for text, id in
                    [
                        url.Substring(0, url.IndexOf '&'), "incomplete-signature"
                        url.Replace("X-Amz-Signature=", "X-Amz-Signature=0"), "mangled-url"
                        url + ".", "mangled-url"
                        url.Replace("cell-7/a", "cell-8/a"), "key-mismatch"
                        url.Replace(bucket, "other"), "key-mismatch"
                        expired url, "url-expired"
                        url.Replace("127.0.0.1", "store.example.con"), "wrong-host"
                    ] do
                    for variables in [ [ urlVariable, text ]; manifest scene [ "a", text ] ] do
                        let! struct (code, output, error) = push scene variables [ file ]
                        Expect.equal (code, output) (2, "") $"{id}: {error}"
                        Expect.stringContains error $"error {id}" text
                        let! struct (code, output, _) = check scene variables [ file ]
                        Expect.equal code 2 text
                        Expect.stringContains output $"error {id}" text

                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "a resumed push needs no URL for what has a receipt" (fun () ->
            task {
                use! scene = scene ()
                let receipts = [ "--receipts"; scene.Folder.At "receipts.jsonl" ]
                let out = scene.Folder.At "out"
                scene.Folder.Write("out/a", "evidence") |> ignore

                let url name =
                    scene.Server.Presign("PUT", bucket, $"cell-7/{name}")

                let! struct (code, _, error) =
                    push scene (manifest scene [ "a", url "a" ]) (out :: receipts)

                Expect.equal code 0 error

                let old = manifest scene [ "a", expired (url "a") ]
                let! struct (code, _, error) = push scene old (out :: "--resume" :: receipts)
                Expect.equal code 0 error

                scene.Folder.Write("out/b", "more") |> ignore
                let mixed = manifest scene [ "a", expired (url "a"); "b", url "b" ]
                let! struct (code, _, error) = push scene mixed (out :: "--resume" :: receipts)
                Expect.equal code 0 error
                Expect.isTrue (scene.Stored "cell-7/b").IsSome "the rest is exported"

                scene.Folder.Write("out/c", "last") |> ignore
                let late = manifest scene [ "a", url "a"; "b", url "b"; "c", expired (url "c") ]
                let! struct (code, _, error) = push scene late (out :: "--resume" :: receipts)
                Expect.equal code 2 error
                Expect.stringContains error "artifact 'c'" "which"
            })

        testCaseTask "headers that the signature covers and no option supplies are refused" (fun () ->
            task {
                use! scene = scene ()
                let file = scene.Folder.Write("a", "evidence")
                let url = scene.Server.Presign("PUT", bucket, "cell-7/a")

                let signing = [
                    urlVariable, url.Replace("SignedHeaders=host", "SignedHeaders=host%3Bx-amz-meta-run")
                ]

                let! struct (code, output, error) = push scene signing [ file ]
                Expect.equal (code, output) (2, "") error
                Expect.stringContains error "'a': the signature covers a header that is not supplied" "which"
                Expect.stringContains error "push --header" "what to do"
                Expect.isEmpty scene.Server.Requests "nothing was sent"

                // The server notices that the signature is another one: the request was sent.
                let! struct (code, _, _) =
                    push scene signing [ file; "--header"; "x-amz-meta-run: 7" ]

                Expect.equal code 1 "supplied"
                Expect.isTrue (scene.Server.Requests.Count > 0) "sent"
            })

        testCaseTask "a spec without a target of kind s3 is refused, with its kinds" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, "export:\n  targets:\n    - {name: a, kind: S-3, bucket: b}\n")

                for arguments in [ []; [ "--json" ] ] do
                    let! struct (code, output, error) = check scene [] arguments
                    Expect.equal code 2 output
                    Expect.stringContains error "its targets have the kind 'S-3'" "why"
                    Expect.isFalse (output.Contains "This can be used") "not usable"

                let! struct (code, _, _) = push scene [] [ scene.Spec ]
                Expect.equal code 2 "push, too"
            })

        testCaseTask
            "an artifact of the spec without a file is reported: an error with --root, else a warning"
            (fun () ->
                task {
                    use! scene = scene ()
                    withArtifacts scene [ "a"; "b" ]
                    scene.Folder.Write("a", "evidence") |> ignore
                    let variables = scene.Manifest("cell-7", [ "a"; "b" ])
                    let! struct (code, output, _) = check scene variables [ "--root"; scene.Folder.Path ]
                    Expect.equal code 2 output

                    Expect.stringContains
                        output
                        "error artifact-missing: target 'artifact-bucket': artifacts: the spec lists 'b'"
                        "which"

                    let! struct (code, output, _) = check scene variables []
                    Expect.equal code 0 output

                    Expect.stringContains
                        output
                        "warning artifact-missing"
                        "the current folder may be another one"

                    scene.Folder.Write("b", "evidence") |> ignore
                    let! struct (code, output, _) = check scene variables [ "--root"; scene.Folder.Path ]
                    Expect.equal code 0 output
                    Expect.isFalse (output.Contains "artifact-missing") "both are there"

                    let! struct (code, _, error) =
                        check scene variables [ "--root"; scene.Folder.At "none" ]

                    Expect.equal code 2 error
                    Expect.stringContains error "--root" "which option"
                })

        testCaseTask "an artifact that is too large for its target is an error" (fun () ->
            task {
                use! scene = scene ()
                scene.Folder.Write("out/a", "12345678") |> ignore
                scene.Folder.Write("out/b", "1234567") |> ignore

                let variables =
                    ("CELLOS_EXPORT_S3_MAX_OBJECT_BYTES" + suffix, "7")
                    :: scene.Manifest("cell-7", [ "a"; "b" ])

                let isReported told (struct (code, output: string, _: string)) =
                    Expect.equal code 2 $"{told}: {output}"

                    Expect.stringContains
                        output
                        "out/a' has 8 bytes, and 7 are allowed in one PUT. Split it, or raise CELLOS_EXPORT_S3_MAX_OBJECT_BYTES__ARTIFACT_BUCKET"
                        told

                    Expect.isFalse (output.Contains "out/b'") $"{told}: 7 bytes fit"

                let! found = check scene variables [ scene.Folder.At "out" ]
                isReported "a folder" found
                let! struct (code, _, _) = push scene variables [ scene.Folder.At "out" ]
                Expect.equal code 1 "push does not export it"
                withArtifacts scene [ "out/a"; "out/b" ]
                let! found = check scene variables [ "--root"; scene.Folder.Path ]
                isReported "the spec" found
            })

        testCaseTask "URLs of a manifest that no artifact uses are named" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                let paths = [ scene.Folder.Write("a", "evidence"); scene.Folder.Write("b", "evidence") ]
                let strict = "CELLOS_STRICT_CONFIG", "1"

                let of' names =
                    strict :: scene.Manifest("cell-7", names)

                let id = "advice manifest-unused"

                for names, told in
                    [
                        [ "a"; "b" ], None
                        [ "a"; "b"; "c" ], Some "has a URL for 'c', not exported"
                        [ "d"; "a"; "c"; "b" ], Some "has a URL for 'd' and 1 more, not exported"
                    ] do
                    let! struct (code, output, _) = check scene (of' names) paths
                    Expect.equal (code, output.Contains id) (0, told.IsSome) output
                    let! struct (code, _, error) = push scene (of' names) ("--quiet" :: paths)
                    Expect.equal (code, error.Contains id) (0, told.IsSome) error
                    Expect.stringContains error (defaultArg told "") "which"

                let! struct (_, output, _) = check scene (of' [ "a" ]) []
                Expect.isFalse (output.Contains id) "no artifact is known"
            })

        testCaseTask "what a strict push refuses of PATHs, a strict check does" (fun () ->
            task {
                use! scene = scene ()
                File.WriteAllText(scene.Spec, seedSpec.Replace("us-west-2", "us-east-1"))
                scene.Folder.Write("links/a", "evidence") |> ignore

                File.CreateSymbolicLink(scene.Folder.At "links/b", scene.Folder.At "links/a")
                |> ignore

                Directory.CreateDirectory(scene.Folder.At "empty") |> ignore
                let variables = scene.Manifest("cell-7", [ "a" ])
                let strict = ("CELLOS_STRICT_CONFIG", "1") :: variables

                for folder, why in
                    [
                        "links", "refuses folders of which something is left out"
                        "empty", "refuses folders without a file"
                    ] do
                    let path = scene.Folder.At folder
                    let! struct (code, _, error) = push scene strict [ path ]
                    Expect.equal code 2 $"push {folder}: {error}"

                    for arguments in [ [ path ]; [ path; "--json" ] ] do
                        let! struct (code, output, error) = check scene strict arguments
                        Expect.equal code 2 $"{folder}: {output}"
                        Expect.stringContains error why folder
                        Expect.isFalse (output.Contains "This can be used") folder

                let! struct (code, output, error) = check scene variables [ scene.Folder.At "links" ]
                Expect.equal code 0 $"{output}{error}"
            })

        testCaseTask
            "a push of which no artifact has a file is refused, and one that has some exports them"
            (fun () ->
                task {
                    use! scene = scene ()
                    withArtifacts scene [ "a"; "b" ]
                    let variables = scene.Manifest("cell-7", [ "a"; "b" ])
                    let root = [ "--root"; scene.Folder.Path ]
                    let! struct (code, output, error) = push scene variables root
                    Expect.equal (code, output) (2, "") error

                    Expect.stringContains
                        error
                        "'a', 'b'. Give the folder of the artifacts with --root"
                        "which, and what to do"

                    scene.Folder.Write("a", "evidence") |> ignore
                    let! struct (code, _, error) = push scene variables root
                    Expect.equal code 1 error
                    Expect.isTrue (scene.Stored "cell-7/a").IsSome "the other is exported"
                })

        testCaseTask
            "a folder without a file ends with 0 and says that nothing was exported, in strict mode with 2"
            (fun () ->
                task {
                    use! scene = scene ()
                    Directory.CreateDirectory(scene.Folder.At "out") |> ignore
                    let variables = scene.Manifest("cell-7", [ "a" ])

                    for quiet in [ []; [ "--quiet" ] ] do
                        let! struct (code, output, error) =
                            push scene variables (scene.Folder.At "out" :: quiet)

                        Expect.equal (code, output) (0, "") error
                        Expect.stringContains error "Nothing was exported: the PATHs contain no file." "said"

                    let! struct (code, _, error) =
                        push scene (("CELLOS_STRICT_CONFIG", "1") :: variables) [ scene.Folder.At "out" ]

                    Expect.equal code 2 error
                })

        testCaseTask
            "check gives machines the code, severity, target and variable of each finding and problem"
            (fun () ->
                task {
                    use! scene = scene ()
                    let url = scene.Server.Presign("PUT", bucket, "cell-7/a")

                    let variables = [
                        urlVariable, url.Replace("127.0.0.1", "store.example.con")
                        "CELLOS_EXPORT_S3_WRITE_ONES" + suffix, "1"
                    ]

                    let! struct (code, output, _) = check scene variables [ "--json" ]
                    Expect.equal code 2 output
                    let! struct (_, people, _) = check scene variables []
                    let json = JsonDocument.Parse(output).RootElement
                    Expect.isFalse (json.GetProperty("allCanBeExported").GetBoolean()) "not all"

                    let findings = List.ofSeq (json.GetProperty("findings").EnumerateArray())

                    for finding in findings do
                        let line = $"""{text "severity" finding} {text "id" finding}: """
                        Expect.stringContains people line "people read the same"
                        Expect.stringContains people (text "variable" finding) "the variable"

                    Expect.equal
                        (findings
                         |> List.map (fun finding ->
                             text "id" finding,
                             text "severity" finding,
                             text "target" finding,
                             text "variable" finding)
                         |> List.filter (fun (id, _, _, _) -> id = "wrong-host" || id = "unknown-variable"))
                        [
                            "wrong-host", "error", "artifact-bucket", urlVariable
                            "unknown-variable", "warning", "", "CELLOS_EXPORT_S3_WRITE_ONES" + suffix
                        ]
                        "all four"

                    let! struct (code, output, _) = check scene [ urlVariable, "$URL" ] [ "--json" ]
                    Expect.equal code 2 output

                    let problem =
                        Seq.exactlyOne (
                            JsonDocument.Parse(output).RootElement.GetProperty("problems").EnumerateArray()
                        )

                    Expect.equal
                        (text "severity" problem, text "target" problem, text "variable" problem)
                        ("error", "artifact-bucket", urlVariable)
                        "a problem"
                })

        testCaseTask
            "a manifest that is not JSON is reported with line, column and what must be there"
            (fun () ->
                task {
                    use! scene = scene ()
                    let file = scene.Folder.Write("a", "evidence")

                    for json, expected in
                        [
                            "{\n  \"a\": \"https://h.example/a\"\n  \"b\": \"https://h.example/b\"\n}",
                            "a comma or a colon is missing before line 3, column 3"
                            "{\n  \"a\": \"https://h.example/a\",,\n  \"b\": \"https://h.example/b\"\n}",
                            "line 2, column 30 has a comma too many: remove it"
                            "{\n  'a': \"https://h.example/a\"\n}",
                            "line 2, column 3 has a single quotation mark, where a name in double quotes"
                            "{\n  \"a\": https://h.example/a\n}",
                            "line 2, column 8 has 'h', where a URL in double quotes"
                            "{\n  \"a\": \"https://h.example/a\"", "it ends at line 2"
                            "https://h.example/a", "line 1, column 1 has 'h', where '{'"
                        ] do
                        let variables = [ urlsFileVariable, scene.Folder.Write("urls.json", json) ]
                        let! struct (code, _, error) = push scene variables [ file ]
                        Expect.equal code 2 error
                        Expect.stringContains error expected json

                    let variables = [
                        urlsFileVariable,
                        scene.Folder.Write(
                            "urls.json",
                            "{\n  \"a\": \"https://h.example/a\",\n  \"b\": 7\n}"
                        )
                    ]

                    let! struct (_, _, error) = push scene variables [ file ]
                    Expect.stringContains error "line 3, column 3: entry 2 ('b') must be a text" "an entry"
                })
    ]
