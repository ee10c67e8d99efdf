module CellOS.Export.S3.Core.Tests.VariableTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

/// The names of the environment variables, once more, and whether there is one per target.
let private names = [
    "CELLOS_EXPORT_S3_PRESIGNED_URL__", true
    "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__", true
    "CELLOS_EXPORT_S3_BROKER_URL__", true
    "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE__", true
    "CELLOS_EXPORT_S3_URL_COMMAND__", true
    "CELLOS_EXPORT_S3_BIND_DIGEST__", true
    "CELLOS_EXPORT_HTTP_BASE_URL__", true
    "CELLOS_EXPORT_S3_REGION__", true
    "CELLOS_EXPORT_S3_MAX_ATTEMPTS__", true
    "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__", true
    "CELLOS_EXPORT_S3_RETRY_MODE__", true
    "CELLOS_EXPORT_S3_RETRY_MAX_BACKOFF_MS__", true
    "CELLOS_EXPORT_S3_DEADLINE_MS__", true
    "CELLOS_EXPORT_S3_WRITE_ONCE__", true
    "CELLOS_EXPORT_S3_INTEGRITY__", true
    "CELLOS_EXPORT_S3_CONTENT_MD5__", true
    "CELLOS_EXPORT_S3_ACCEPT_UNMARKED__", true
    "CELLOS_EXPORT_S3_KEY_CHECK__", true
    "CELLOS_EXPORT_S3_MAX_OBJECT_BYTES__", true
    "CELLOS_EXPORT_S3_SPOOL_DIR__", true
    "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES__", true
    "CELLOS_EXPORT_S3_BROKER_URL", false
    "CELLOS_EXPORT_S3_BROKER_TOKEN_FILE", false
    "CELLOS_EXPORT_S3_URL_COMMAND", false
    "CELLOS_EXPORT_S3_BIND_DIGEST", false
    "CELLOS_EXPORT_S3_SPOOL_DIR", false
    "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES", false
    "CELLOS_EXPORT_S3_TIMEOUT_MS", false
    "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS", false
    "CELLOS_EXPORT_S3_STALL_TIMEOUT_MS", false
    "CELLOS_EXPORT_S3_EXPECT_CONTINUE_MIN_BYTES", false
    "CELLOS_EXPORT_DIR__", true
    "CELLOS_EXPORT_LOCAL_OVERWRITE__", true
    "CELLOS_EXPORT_HTTP_BEARER_TOKEN__", true
    "CELLOS_EXPORT_HTTP_ALLOW_PLAINTEXT_TOKEN__", true
    "CELLOS_EXPORT_HTTP_MAX_ATTEMPTS__", true
    "CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS__", true
    "CELLOS_EXPORT_HTTP_TIMEOUT_MS__", true
    "CELLOS_EXPORT_HTTP_CONNECT_TIMEOUT_MS__", true
    "CELLOS_EXPORT_HTTP_SPOOL_DIR__", true
    "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES__", true
    "CELLOS_EXPORT_DIR", false
    "CELLOS_EXPORT_LOCAL_OVERWRITE", false
    "CELLOS_EXPORT_HTTP_BASE_URL", false
    "CELLOS_EXPORT_HTTP_BEARER_TOKEN", false
    "CELLOS_EXPORT_HTTP_ALLOW_PLAINTEXT_TOKEN", false
    "CELLOS_EXPORT_HTTP_MAX_ATTEMPTS", false
    "CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS", false
    "CELLOS_EXPORT_HTTP_TIMEOUT_MS", false
    "CELLOS_EXPORT_HTTP_CONNECT_TIMEOUT_MS", false
    "CELLOS_EXPORT_HTTP_SPOOL_DIR", false
    "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES", false
    "CELLOS_CA_BUNDLE", false
    "CELLOS_EXPORT_SEAL_KEY", false
    "CELLOS_EXPORT_SEAL_PASSWORD_FILE", false
    "CELLOS_STRICT_CONFIG", false
]

/// What is advised on variables of these names, in a spec with these targets.
let private unknown (targets: string list) (names: string list) =
    (resolve (targets |> List.map s3) [] (names |> List.map (fun name -> name, "x"))).Findings
    |> List.filter (fun finding -> finding.Id = FindingId.UnknownVariable)

let private nearest name =
    unknown [ "artifact-bucket"; "cold" ] [ name ]
    |> List.map (fun finding ->
        Expect.stringStarts finding.Remedy "Did you mean " name
        finding.Remedy.Split(' ')[3] |> _.TrimEnd('?'))

[<Tests>]
let variables =
    testList "Variable" [
        testCase "the table has these variables" (fun () ->
            Expect.sequenceEqual
                (Variable.all |> List.map (fun row -> row.Name, row.PerTarget))
                names
                "names and order"

            Expect.all
                Variable.all
                (fun row -> row.Meaning <> "" && row.Default <> "")
                "all say what they do")

        testCase "a name in another case is known where it is read, and only there" (fun () ->
            let written = "cellos_export_s3_max_attempts__a"

            let advice (comparer: System.StringComparer) names =
                let values = System.Collections.Generic.Dictionary<string, string>(comparer)

                for name in names do
                    values[name] <- "2"

                let context = {
                    Lookup =
                        fun name ->
                            match values.TryGetValue name with
                            | true, value -> Some value
                            | _ -> None
                    Names = List.ofSeq values.Keys
                    Now = System.DateTimeOffset.UnixEpoch
                    CellId = None
                    HasProvider = false
                }

                match CellSpec.create [ s3 "a" ] [] with
                | Error problems -> failtestf "%A" problems
                | Ok spec ->
                    (Settings.resolve context spec).Findings
                    |> List.filter (fun finding -> finding.Id = FindingId.UnknownVariable)
                    |> List.length

            Expect.equal (advice System.StringComparer.OrdinalIgnoreCase [ written ]) 0 "it is read"
            Expect.equal (advice System.StringComparer.Ordinal [ written ]) 1 "it is not"

            Expect.equal
                (advice System.StringComparer.Ordinal [ written; written.ToUpperInvariant() ])
                1
                "another one is read")

        testCase "an unknown variable is a warning, which strictness refuses" (fun () ->
            let misspelt = "CELLOS_EXPORT_S3_WRITE_ONES__A"

            let resolution =
                resolve [ s3 "a" ] [] [
                    "CELLOS_EXPORT_S3_PRESIGNED_URL__A", "https://h.example/{artifact_name}"
                    misspelt, "1"
                    Variable.Strict, "1"
                ]

            match resolution.Findings, Settings.refusals resolution with
            | [ finding ], [ refusal ] ->
                Expect.equal finding.Severity Severity.Warning "a warning"
                Expect.stringStarts refusal.Message (misspelt + ": nothing reads this variable") "which"
                Expect.stringContains refusal.Message "CELLOS_EXPORT_S3_WRITE_ONCE__A" "what is meant"
            | other -> failtestf "%A" other)

        table
            "suffixes are stable"
            [
                "artifact-bucket", "ARTIFACT_BUCKET"
                "a", "A"
                "A", "A"
                "9_lives.x", "9_LIVES_X"
                "a--b", "A__B"
                "a-b.c_d", "A_B_C_D"
                "i.i", "I_I"
                "Z9-", "Z9_"
                String('x', 63), String('X', 63)
            ]
            (fst >> nameOf >> TargetName.envSuffix)
            snd

        table
            "a variable that nobody reads is advised on, with the nearest that is read"
            [
                "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKT",
                [ "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET" ]
                "CELLOS_EXPORT_S3_PRESIGNED_URL_ARTIFACT_BUCKET",
                [ "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET" ]
                "CELLOS_EXPORT_S3_PRESIGNED_URL__artifact_bucket",
                [ "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET" ]
                "cellos_export_s3_region__cold", [ "CELLOS_EXPORT_S3_REGION__COLD" ]
                "CELLOS_EXPORT_S3_MAX_ATTEMPT__COLD", [ "CELLOS_EXPORT_S3_MAX_ATTEMPTS__COLD" ]
                "CELLOS_EXPORT_S3_TIMEOUT", [ "CELLOS_EXPORT_S3_TIMEOUT_MS" ]
                "CELLOS_EXPORT_S3_TIMEOUT_MS__COLD", [ "CELLOS_EXPORT_S3_TIMEOUT_MS" ]
                // The option's name is not the variable's.
                "CELLOS_EXPORT_S3_REQUEST_TIMEOUT_MS", [ "CELLOS_EXPORT_S3_TIMEOUT_MS" ]
                "CELLOS_EXPORT_S3_REQUEST_TIMEOUT", [ "CELLOS_EXPORT_S3_TIMEOUT_MS" ]
                "cellos_export_s3_reqest_timeout_ms", [ "CELLOS_EXPORT_S3_TIMEOUT_MS" ]
                // Words swapped or left out, other beginnings.
                "CELLOS_EXPORT_S3_URL_PRESIGNED__COLD", [ "CELLOS_EXPORT_S3_PRESIGNED_URL__COLD" ]
                "CELLOS_S3_EXPORT_PRESIGNED_URL__COLD", [ "CELLOS_EXPORT_S3_PRESIGNED_URL__COLD" ]
                "CELLOS_EXPORT_PRESIGNED_URL__COLD", [ "CELLOS_EXPORT_S3_PRESIGNED_URL__COLD" ]
                "CELLO_EXPORT_S3_PRESIGNED_URL__COLD", [ "CELLOS_EXPORT_S3_PRESIGNED_URL__COLD" ]
                "AWS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                [ "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET" ]
                "PRESIGNED_URL__COLD", [ "CELLOS_EXPORT_S3_PRESIGNED_URL__COLD" ]
                "CELLOS_STRICT", [ "CELLOS_STRICT_CONFIG" ]
                "cellos_ca_bundel", [ "CELLOS_CA_BUNDLE" ]
                "CELLOS_EXPORT_S3_CA_BUNDLE", [ "CELLOS_CA_BUNDLE" ]
                "CELLOS_EXPORT_S3_CA_BUNDEL", [ "CELLOS_CA_BUNDLE" ]
                "CELLOS_EXPORT_S3_STRICT_CONFIG", [ "CELLOS_STRICT_CONFIG" ]
                // These are read.
                "CELLOS_EXPORT_S3_REGION__COLD", []
                "CELLOS_EXPORT_S3_TIMEOUT_MS", []
                "CELLOS_EXPORT_HTTP_BASE_URL__COLD", []
                // These are none of ours.
                "CELLOS_EXPORT_HTTP_BASE_URL__COOLD", []
                "CELLOS_EXPORT_S", [ "CELLOS_EXPORT_SEAL_KEY" ]
                "CELLOS_EXPORT_S3_SEAL_KEY", [ "CELLOS_EXPORT_SEAL_KEY" ]
                "CELLOS_SEAL_KEY", [ "CELLOS_EXPORT_SEAL_KEY" ]
                "CELLOS_EXPORT_SEAL_PASSWORD", [ "CELLOS_EXPORT_SEAL_PASSWORD_FILE" ]
                "XCELLOS_EXPORT_S3_REGION__COLD", []
                "PATH", []
                "AWS_REGION", []
                "AWS_CA_BUNDLE", []
                "CELLOS_CELL_ID", []
                "CELLOS_EXPORT_DIR", []
            ]
            (fst >> nearest)
            snd

        testCase
            "a variable without this library's prefix counts only where the one that is meant is not set"
            (fun () ->
                let names = [ "CELLOS_EXPORT_S3_PRESIGNED_URL__A"; "PRESIGNED_URL__A"; "AWS_PRESIGNED_URL" ]
                Expect.isEmpty (unknown [ "a" ] names) "it is set")

        testCase
            "a URL that is not set is reported with the variable that was perhaps meant to set it"
            (fun () ->
                let problem name =
                    (resolve [ s3 "a" ] [] [ name, "https://h.example/a" ]).Problems
                    |> List.exactlyOne

                for name in
                    [
                        "CELLOS_EXPORT_S3_PRESIGNED_URL_A"
                        "cellos_export_s3_presigned_url__a"
                        "PRESIGNED_URL__A"
                    ] do
                    let message = (problem name).Message
                    Expect.stringContains message "It is not set." name

                    Expect.stringContains
                        message
                        $"{name} is set, and nothing reads it: did you mean CELLOS_EXPORT_S3_PRESIGNED_URL__A?"
                        name

                Expect.isFalse
                    ((problem "CELLOS_EXPORT_S3_REGION__B").Message.Contains "did you mean")
                    "of something else")

        testCase "a variable of a target that was left out is no unknown one" (fun () ->
            let spec = specOf [ s3 "a"; s3 "b" ] []

            let only =
                CellSpec.only "a" spec
                |> Result.defaultWith (fun problem -> failwith problem.Message)

            let names = [ "CELLOS_EXPORT_S3_REGION__B"; "CELLOS_EXPORT_S3_REGION__C" ]

            let advised =
                (Settings.resolve { contextOf [] with Names = names } only).Findings
                |> List.map _.Variable

            Expect.equal advised [ "CELLOS_EXPORT_S3_REGION__C" ] "only the one of no target")

        testCase "many unknown variables are all told, however many" (fun () ->
            let names = [
                for n in 1..2000 -> "CELLOS_EXPORT_S3_" + String(char (int 'A' + n % 26), 60) + string n
            ]

            let targets = [ for n in 1..200 -> $"target-{n}" ]
            let found = unknown targets names
            Expect.hasLength found names.Length "each once"
            Expect.all found (fun finding -> finding.Remedy <> "") "each with a remedy")

        testCase "a name of any length is shown short" (fun () ->
            let found = unknown [ "a" ] [ Variable.Prefix + String('x', 100_000) ]
            Expect.hasLength found 1 "one"
            Expect.all found (fun finding -> finding.Message.Length < 400) "short")
    ]
