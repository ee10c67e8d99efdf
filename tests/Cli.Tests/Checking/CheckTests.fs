module Cli.Tests.CheckTests

open System
open System.IO
open System.Text.Json
open System.Threading.Tasks
open Expecto
open Cli.Tests.Scene
open Cli.Tests.Support

let private check (scene: Scene) variables (arguments: string list) =
    runToolIn variables ([ "check"; "--spec"; scene.Spec ] @ arguments)

/// A manifest of presigned URLs that have expired, with session tokens, as large as they are in the field.
let private manifestOf (path: string) (count: int) =
    let token = String('k', 1900)
    use file = new StreamWriter(path)
    file.Write "{"

    for i in 1..count do
        let separator = if i = 1 then "" else ","

        file.Write
            $"{separator}\n\"logs/{i}.txt\": \"https://{bucket}.s3.us-west-2.amazonaws.com/cell-7/logs/{i}.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%%2F20260301%%2Fus-west-2%%2Fs3%%2Faws4_request&X-Amz-Date=20260301T120000Z&X-Amz-Expires=604800&X-Amz-SignedHeaders=host&X-Amz-Security-Token={token}{i}&X-Amz-Signature={i:D64}\""

    file.Write "}"

/// The most memory that a process has had, in bytes; 0 if it has none any more.
let private mostMemory (pid: int) =
    try
        File.ReadLines $"/proc/{pid}/status"
        |> Seq.tryFind _.StartsWith("VmHWM:")
        |> Option.map (fun line -> 1024L * Int64.Parse(line.Substring(6).Replace("kB", "").Trim()))
        |> Option.defaultValue 0L
    with :? IOException ->
        0L

/// The most memory that `check` takes for a manifest.
let private memoryFor (scene: Scene) (manifest: string) =
    task {
        use child =
            toolWith [ urlsFileVariable, manifest ] [ "check"; "--spec"; scene.Spec; "--cell-id"; "cell-7" ]

        let ending = child.End()
        let mutable most = 0L

        while not ending.IsCompleted do
            most <- max most (mostMemory child.Id)
            do! Task.Delay 5

        let! struct (code, output, error) = ending
        Expect.equal (code, error) (2, "") "all have expired"
        Expect.stringContains output "artifact 'logs/1.txt'" "the first, and how many more there are"
        return most
    }

[<Tests>]
let memory =
    testSequenced
    <| testCaseTask "check takes at most four times a manifest's size in memory" (fun () ->
        task {
            if not (OperatingSystem.IsLinux()) then
                skiptest "needs Linux"

            use! scene = scene ()
            let manifest = scene.Folder.At "urls.json"
            manifestOf manifest 2
            let! little = memoryFor scene manifest

            for count in [ 25_000; 100_000 ] do
                manifestOf manifest count
                let size = FileInfo(manifest).Length
                let! much = memoryFor scene manifest
                Expect.isLessThan (much - little) (4L * size) $"{much - little} bytes more for {size}"
        })

[<Tests>]
let tests =
    testList "check" [
        testCaseTask "with PATHs, shows where artifacts of any kind of target go" (fun () ->
            task {
                use! scene = scene ()
                let out = scene.Folder.At "out"
                Directory.CreateDirectory out |> ignore
                File.WriteAllText(Path.Join(out, "a b"), "x")
                let away = scene.Folder.At "away"
                File.WriteAllText(scene.Spec, "export: {}")

                for variable, value, destination in
                    [
                        "CELLOS_EXPORT_DIR", away, Path.Join(away, "cell-7", "a b")
                        "CELLOS_EXPORT_HTTP_BASE_URL",
                        "https://h.example/in",
                        "https://h.example/in/cell-7/a%20b"
                    ] do
                    let! struct (code, output, error) =
                        check scene [ variable, value ] [ "--cell-id"; "cell-7"; out ]

                    Expect.equal code 0 error
                    Expect.stringContains output $"a b: 1 bytes to {destination}" "for people"

                    let! struct (_, json, _) =
                        check scene [ variable, value ] [ "--cell-id"; "cell-7"; "--json"; out ]

                    let artifact =
                        JsonDocument.Parse(json).RootElement.GetProperty("artifacts").EnumerateArray()
                        |> Seq.exactlyOne

                    Expect.equal (text "destination" artifact) destination "for programs"

                Expect.isFalse (Directory.Exists away) "nothing is made"
            })

        testCaseTask "shows the seed's example, with advice and no secret" (fun () ->
            task {
                use! scene = sceneBehind true
                let! struct (code, output, error) = check scene scene.SeedVariables []
                Expect.equal (code, error) (0, "") "it can be used"

                for shown in
                    [
                        "target artifact-bucket"
                        "X-Amz-Signature=REDACTED"
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET"
                        "us-west-2"
                        "advice template-in-signed-path"
                        "This can be used."
                    ] do
                    Expect.stringContains output shown shown

                Expect.isFalse (output.Contains secret) "no secret"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "ends with 2 for a URL that no store can accept, and says why" (fun () ->
            task {
                use! scene = scene ()
                let url = scene.Server.Presign("PUT", bucket, "cell-7/a")

                for text, reason in
                    [
                        url.Substring(0, url.IndexOf '&'), "error incomplete-signature"
                        url + ".", "error mangled-url"
                        url.Replace("%2F", "%252F"), "is percent-encoded twice"
                        url.Replace("&", "&amp;"), "contains '&amp;'"
                        "“" + url + "”", "has typographic quotation marks around it (U+201C)"
                    ] do
                    let! struct (code, output, error) = check scene [ urlVariable, text ] []
                    Expect.equal code 2 reason
                    Expect.stringContains (output + error) reason reason

                let! struct (code, output, _) = check scene [ urlVariable, url ] []
                Expect.equal code 0 output
            })

        testCaseTask
            "ends with 2 if nothing can be sent: an empty manifest, URLs that have all expired"
            (fun () ->
                task {
                    use! scene = scene ()

                    let expired name =
                        let url = scene.Server.Presign("PUT", bucket, $"cell-7/{name}")
                        let at = url.IndexOf("X-Amz-Date=", StringComparison.Ordinal) + 11
                        // In the credential, too.
                        url.Replace(url.Substring(at, 8), "20200101")

                    let valid = scene.Server.Presign("PUT", bucket, "cell-7/c")

                    for entries, expected, finding in
                        [
                            [], 2, "error empty-manifest"
                            [ "a", expired "a" ], 2, "error url-expired"
                            [ "a", expired "a"; "b", expired "b" ], 2, "error url-expired"
                            [ "a", expired "a"; "c", valid ], 0, "warning url-expired"
                        ] do
                        let json = Text.Json.JsonSerializer.Serialize(dict entries)
                        let variables = [ urlsFileVariable, scene.Folder.Write("urls.json", json) ]
                        let! struct (code, output, error) = check scene variables []
                        Expect.equal code expected (output + error)
                        Expect.stringContains output finding finding

                    let! struct (code, output, _) = check scene [ urlVariable, expired "a" ] []
                    Expect.equal code 2 output
                    Expect.stringContains output "error url-expired" "the only URL"
                })

        testCaseTask "refuses a misspelt variable, key and kind in strict mode" (fun () ->
            task {
                use! scene = scene ()
                let url = scene.Server.Presign("PUT", bucket, "cell-7/a")
                let region = "CELLOS_EXPORT_S3_REGION" + suffix, "us-east-1"
                let strict = [ urlVariable, url; region; "CELLOS_STRICT_CONFIG", "1" ]
                let! struct (code, output, error) = check scene strict []
                Expect.equal code 0 (output + error)

                let! struct (code, _, error) =
                    check scene (("CELLOS_EXPORT_S3_WRITE_ONES" + suffix, "1") :: strict) []

                Expect.equal code 2 "a variable"
                Expect.stringContains error ("CELLOS_EXPORT_S3_WRITE_ONCE" + suffix) "what is meant"

                File.AppendAllText(scene.Spec, "      key-prefix: audit\n    - {name: other, kind: S-3}\n")
                let! struct (code, _, error) = check scene strict []
                Expect.equal code 2 "a key and a kind"
                Expect.stringContains error "Write keyPrefix" "the key"
                Expect.stringContains error "Write 's3'" "the kind"
            })

        testCaseTask "says the same to machines" (fun () ->
            task {
                use! scene = scene ()
                File.AppendAllText(scene.Spec, "    - {name: by-ftp, kind: ftp}\n")

                let url =
                    scene.Server.Presign("PUT", bucket, "cell-7/a", Nullable(TimeSpan.FromMinutes 5.))

                let! struct (code, output, _) =
                    check scene [ urlVariable, url; "CELLOS_EXPORT_S3_TIMEOUT_MS", "x" ] [ "--json" ]

                Expect.equal code 0 "it can be used"
                let json = JsonDocument.Parse(output).RootElement
                Expect.isTrue (json.GetProperty("usable").GetBoolean()) "usable"
                let target = Seq.exactlyOne (json.GetProperty("targets").EnumerateArray())
                Expect.equal (text "name" target) "artifact-bucket" "the target"
                Expect.stringStarts (text "urlExpires" target) "in " "in words"
                let at = target.GetProperty("urlExpiresAt").GetDateTimeOffset()
                Expect.isLessThan (abs (at - DateTimeOffset.UtcNow).TotalMinutes) 6. "and as a time"

                let settings =
                    [
                        for setting in target.GetProperty("settings").EnumerateArray() do
                            text "name" setting, text "origin" setting
                    ]
                    |> Map.ofList

                Expect.equal settings["region"] "spec" "the spec's"
                Expect.equal settings["url"] "variable" "a variable's"
                Expect.equal settings["maxAttempts"] "default" "a default"

                let ids = [
                    for finding in json.GetProperty("findings").EnumerateArray() -> text "id" finding
                ]

                Expect.equal
                    ids
                    [ "unknown-kind"; "url-expires-soon"; "region-mismatch"; "invalid-number" ]
                    "findings"

                let other = Seq.exactlyOne (json.GetProperty("otherTargets").EnumerateArray())
                Expect.equal (text "kind" other) "ftp" "the other kind"
            })

        testCaseTask "shows every variable that there is" (fun () ->
            task {
                use! scene = sceneBehind true
                let! struct (_, byUrl, _) = check scene scene.SeedVariables [ "--json" ]

                let! struct (_, byFile, _) =
                    check scene (scene.Manifest("cell-7", [ "a" ])) [ "--json" ]

                let legacy = [ legacyVariable, snd scene.SeedVariables.Head ]
                let! struct (_, byLegacy, _) = check scene legacy [ "--json" ]
                let token = scene.Folder.Write("token", "t0k3n")

                let sources (variables: (string * string) list) =
                    task {
                        let named = [ for name, value in variables -> "CELLOS_EXPORT_S3_" + name, value ]
                        let! struct (_, output, _) = check scene named [ "--json" ]
                        return output
                    }

                let! byBroker =
                    sources [ "BROKER_URL" + suffix, "https://b/"; "BROKER_TOKEN_FILE" + suffix, token ]

                let! byCommand = sources [ "URL_COMMAND" + suffix, "presign" ]

                let! bySharedBroker =
                    sources [
                        "BROKER_URL", "https://b/"
                        "BROKER_TOKEN_FILE", token
                        "BIND_DIGEST", "1"
                        "SPOOL_DIR", scene.Folder.At "spool"
                        "SPOOL_MAX_BYTES", "9"
                    ]

                let! bySharedCommand = sources [ "URL_COMMAND", "presign" ]

                let ofKind (spec: string) (variables: (string * string) list) =
                    task {
                        File.WriteAllText(scene.Spec, spec)
                        let! struct (_, output, _) = check scene variables [ "--json" ]
                        return output
                    }

                let one (kind: string) =
                    $"export: {{targets: [{{name: artifact-bucket, kind: {kind}}}]}}"

                let! byFolder = ofKind (one "local") [ "CELLOS_EXPORT_DIR" + suffix, "/x" ]
                let! byHttp = ofKind (one "http") [ legacyVariable, "https://h/in" ]
                let! byDefaultFolder = ofKind "export: {}" [ "CELLOS_EXPORT_DIR", "/x" ]

                let! byDefaultHttp =
                    ofKind "export: {}" [ "CELLOS_EXPORT_HTTP_BASE_URL", "https://h/in" ]

                let shown =
                    [
                        byFolder
                        byHttp
                        byDefaultFolder
                        byDefaultHttp
                        byUrl
                        byFile
                        byLegacy
                        byBroker
                        byCommand
                        bySharedBroker
                        bySharedCommand
                    ]
                    |> List.collect (fun output -> [
                        let json = JsonDocument.Parse(output).RootElement
                        let target = Seq.exactlyOne (json.GetProperty("targets").EnumerateArray())

                        for of' in [ json; target ] do
                            for setting in of'.GetProperty("settings").EnumerateArray() do
                                text "variable" setting
                    ])
                    |> Set.ofList

                for row in CellOS.Export.S3.Core.Variable.all do
                    let name = if row.PerTarget then row.Name + "ARTIFACT_BUCKET" else row.Name
                    Expect.isTrue (shown.Contains name) name
            })

        testCaseTask "shows the proxies of the environment where there are some, and no password" (fun () ->
            task {
                use! scene = sceneBehind true

                let proxies = [
                    "https_proxy", $"http://operator:{secret}@proxy.example:3128"
                    "NO_PROXY", ".internal, 10.0.0.0/8"
                ]

                for json in [ []; [ "--json" ] ] do
                    let! struct (code, output, error) = check scene (proxies @ scene.SeedVariables) json
                    Expect.equal (code, error) (0, "") "it can be used"

                    for shown in
                        [
                            "httpsProxy"
                            "https_proxy"
                            "http://proxy.example:3128 (with user name and password)"
                            "noProxy"
                            "internal, 10.0.0.0/8"
                        ] do
                        Expect.stringContains output shown shown

                    for hidden in [ secret; "operator" ] do
                        Expect.isFalse (output.Contains hidden) "no user info"

                    let! struct (_, none, _) =
                        check scene (("NO_PROXY", "internal") :: scene.SeedVariables) json

                    Expect.isFalse (none.Contains("Proxy", StringComparison.Ordinal)) "none, no row"

                let! struct (code, output, error) =
                    check
                        scene
                        (("ALL_PROXY", $"ftp://operator:{secret}@proxy.example") :: scene.SeedVariables)
                        []

                Expect.equal code 2 "refused"

                Expect.stringContains error "ALL_PROXY: The proxy URL has an unknown scheme" "which and why"

                Expect.isFalse ((output + error).Contains secret) "no secret"
            })

        testCaseTask "ends with 2 and all reasons, where push would refuse" (fun () ->
            task {
                use! scene = scene ()
                File.AppendAllText(scene.Spec, "    - {name: second, kind: s3, bucket: b}\n")

                let! struct (code, output, error) =
                    check scene [
                        urlVariable, $"ftp://h/x?X-Amz-Signature={secret}"
                        "CELLOS_CA_BUNDLE", scene.Folder.At "none.pem"
                    ] []

                Expect.equal code 2 "refused"
                Expect.stringContains output "This cannot be used: standard error has the reasons." "said so"

                for name in [ urlVariable; "CELLOS_EXPORT_S3_PRESIGNED_URL__SECOND"; "CELLOS_CA_BUNDLE" ] do
                    Expect.stringContains error name name

                Expect.isFalse ((output + error).Contains secret) "no secret"

                let! struct (code, output, _) = check scene [] [ "--json" ]
                Expect.equal code 2 "refused"
                let json = JsonDocument.Parse(output).RootElement
                Expect.isFalse (json.GetProperty("usable").GetBoolean()) "not usable"
                Expect.equal (json.GetProperty("problems").GetArrayLength()) 2 "two URLs are missing"
            })

        testCaseTask "refuses the legacy variable under strictness, with the warning's text" (fun () ->
            task {
                use! scene = sceneBehind true
                let legacy = [ legacyVariable, snd scene.SeedVariables.Head ]
                let! struct (code, relaxed, _) = check scene legacy []
                Expect.equal code 0 "a warning"
                Expect.stringContains relaxed "warning legacy-url-variable" "which is shown"

                let! struct (code, _, error) =
                    check scene (("CELLOS_STRICT_CONFIG", "1") :: legacy) []

                Expect.equal code 2 "refused"
                Expect.stringContains error $"stands in for {urlVariable}, which is not set" "what"
                Expect.stringContains error $"Set {urlVariable} instead" "how to mend it"

                let! struct (code, _, _) =
                    runToolIn (("CELLOS_STRICT_CONFIG", "1") :: legacy) [
                        "push"
                        "--spec"
                        scene.Spec
                        "--cell-id"
                        "c"
                        scene.Spec
                    ]

                Expect.equal code 2 "push refuses it too"
                Expect.isEmpty scene.Server.Requests "nothing was sent"
            })

        testCaseTask "of one target looks at no other" (fun () ->
            task {
                use! scene = sceneBehind true
                File.AppendAllText(scene.Spec, "    - {name: second, kind: s3, bucket: b}\n")

                let! struct (code, _, _) =
                    check scene scene.SeedVariables [ "--target"; "artifact-bucket" ]

                Expect.equal code 0 "the second has no URL"

                let! struct (code, _, error) =
                    check scene scene.SeedVariables [ "--target"; "third" ]

                Expect.equal code 2 "there is no third"
                Expect.stringContains error "'artifact-bucket', 'second'" "those that there are"
            })

        testCaseTask "of a cell holds its URL against the cell's key" (fun () ->
            task {
                use! scene = scene ()

                let url =
                    $"https://{bucket}.s3.us-west-2.amazonaws.com/cell-7/a?X-Amz-Signature={secret}"

                let! struct (_, fits, _) = check scene [ urlVariable, url ] [ "--cell-id"; "cell-7" ]
                Expect.isFalse (fits.Contains "key-mismatch") "the cell's"

                let! struct (_, other, _) =
                    check scene [ urlVariable, url ] [ "--cell-id"; "cell-8" ]

                Expect.stringContains other "error key-mismatch" "another's"

                let! struct (code, _, error) =
                    check scene [ urlVariable, url ] [ "--cell-id"; "a/b" ]

                Expect.equal code 2 "no cell id"
                Expect.stringContains error "--cell-id" "which option"

                let! struct (code, json, _) =
                    check scene [ urlVariable, url ] [ "--cell-id"; "a/b"; "--json" ]

                Expect.equal code 2 "nor in JSON"

                let problem =
                    Seq.exactlyOne (
                        JsonDocument.Parse(json).RootElement.GetProperty("problems").EnumerateArray()
                    )

                Expect.stringContains (text "text" problem) "--cell-id" "which option"
            })

        testCaseTask "says what is wrong with the spec, and where" (fun () ->
            task {
                use! scene = scene ()

                for spec, what, line in
                    [
                        "", "empty", ":1"
                        "export: [\n", "YAML", ":2"
                        "export:\n  artifacts: []\n", "no targets", ":2"
                        "export:\n  targets:\n    - {name: a, kind: s3, bucket: b}\n    - {name: a, kind: s3, bucket: b}\n",
                        "two targets",
                        ":4"
                    ] do
                    File.WriteAllText(scene.Spec, spec)
                    let! struct (code, _, error) = check scene [] []
                    Expect.equal code 2 spec
                    Expect.stringContains error what spec
                    Expect.stringContains error $"cell.yaml{line}: " spec
                    let! struct (code, json, _) = check scene [] [ "--json" ]
                    Expect.equal code 2 "in JSON as well"

                    Expect.equal
                        (JsonDocument.Parse(json).RootElement.GetProperty("problems").GetArrayLength())
                        1
                        "as a problem"

                let! struct (code, _, error) =
                    runToolIn [] [ "check"; "--spec"; scene.Folder.At "none.yaml" ]

                Expect.equal code 2 "no file"
                Expect.stringContains error "none.yaml" "which"
            })
    ]
