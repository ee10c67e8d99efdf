/// Specs with targets of all kinds, where their artifacts go, and what the environment sets.
module CellOS.Export.S3.Core.Tests.RoutingTests

open System
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private plain value = SpecNode.Scalar(1, value, true)

let private map entries =
    SpecNode.Mapping(1, entries |> List.map (fun (key, node) -> struct (key, node)) |> Array.ofList)

let private list items =
    SpecNode.Sequence(1, Array.ofList items)

let private target (name, kind) =
    map [
        "name", plain name
        "kind", plain kind
        if kind = "s3" then
            "bucket", plain "b"
    ]

let private artifact (name: string, target: string) =
    map [
        "name", plain name
        "path", plain ("out/" + name)
        if target <> "" then
            "target", plain target
    ]

let private specOf targets artifacts =
    map [
        "export",
        map [
            "targets", list (List.map target targets)
            "artifacts", list (List.map artifact artifacts)
        ]
    ]

let private route fallback targets artifacts =
    match SpecReader.readFor fallback (specOf targets artifacts) with
    | Ok spec ->
        Ok [
            for artifact in spec.AllArtifacts ->
                ArtifactName.value artifact.Name, artifact.TargetText, artifact.Kind.Word
        ]
    | Error problems -> Error(problems |> List.map _.Text)

let private three = [ "bucket", "s3"; "archive", "local"; "web", "HTTP" ]

let private resolve fallback targets variables =
    let spec =
        match SpecReader.readFor fallback (specOf targets []) with
        | Ok spec -> spec
        | Error problems -> failtestf "%A" problems

    Settings.resolve (contextOf variables) spec

let private problemsOf (resolution: Resolution) = [
    for problem in resolution.Problems -> problem.Variable |> Option.defaultValue "", problem.Text
]

let private url (resolution: Resolution) =
    match (List.last resolution.Plain).Settings with
    | Some(PlainSettings.Http settings) ->
        (UrlTemplate.render
            (Result.defaultWith (fun _ -> failtest "cell") (CellId.create "c"))
            (Result.defaultWith (fun _ -> failtest "artifact") (ArtifactName.create "a"))
            settings.Url
         |> RequestUrl.reveal),
        settings.Authorization |> List.map RequestHeader.reveal
    | other -> failtestf "%A" other

[<Tests>]
let tests =
    testList "routing" [
        test "each artifact goes to the target that it names, whatever its kind" {
            Expect.equal
                (route None three [ "a", "bucket"; "b", "archive"; "c", "web" ])
                (Ok [ "a", "bucket", "s3"; "b", "archive", "local"; "c", "web", "http" ])
                ""
        }

        for kind in [ TargetKind.Local; TargetKind.Http ] do
            for targets in [ []; [ "bucket", "s3" ]; three ] do
                test $"without a target goes to the default sink ({kind}), beside {targets.Length} targets" {
                    Expect.equal (route (Some kind) targets [ "a", "" ]) (Ok [ "a", "", kind.Word ]) ""
                }

        for name, kind in three do
            test $"without a target and without a default sink goes to the single target of kind {kind}" {
                Expect.equal
                    (route None [ name, kind ] [ "a", "" ])
                    (Ok [ "a", name, kind.ToLowerInvariant() ])
                    ""
            }

        test "without a target, with several targets and no default sink is an error that says what to set" {
            match route None three [ "a", "" ] with
            | Error [ problem ] ->
                for word in [ "'a'"; "CELLOS_EXPORT_DIR"; "CELLOS_EXPORT_HTTP_BASE_URL" ] do
                    Expect.stringContains problem word ""
            | other -> failtestf "%A" other
        }

        test "a spec without targets needs a default sink" {
            match route None [] [ "a", "" ] with
            | Error [ problem ] -> Expect.stringContains problem "no default sink" ""
            | other -> failtestf "%A" other
        }

        test "unknown targets, bad names and names of one set of variables stay errors" {
            for targets, artifacts, word in
                [
                    three, [ "a", "nowhere" ], "which the spec does not have"
                    [], [ "a", "nowhere" ], "It has none"
                    [ "-", "local" ], [], "target name"
                    [ "a-b", "local"; "a_b", "http" ], [], "same environment variables"
                    three, [ "x/y", "archive" ], "the local sink"
                    three, [ "a", "archive"; "a", "archive" ], "listed twice"
                ] do
                match route (Some TargetKind.Http) targets artifacts with
                | Error problems -> Expect.stringContains (String.Join("\n", problems)) word ""
                | other -> failtestf "%s: %A" word other
        }

        test "for a program that serves S3 targets alone, nothing changes" {
            match SpecReader.read (specOf three [ "a", "bucket"; "x/y", "archive" ]) with
            | Ok spec ->
                Expect.hasLength spec.Targets 1 "S3"
                Expect.isEmpty spec.PlainTargets "others are left alone"
                Expect.hasLength spec.Others 2 "they are listed"
                Expect.equal spec.OtherArtifacts [ "x/y" ] "so are their artifacts"
            | Error problems -> failtestf "%A" problems
        }

        property
            "each artifact has one place, whatever the spec and the environment"
            (Gen.zip
                (Gen.zip
                    (Gen.subListOf three)
                    (Gen.elements [ None; Some TargetKind.Local; Some TargetKind.Http ]))
                (Gen.listOf (Gen.elements [ ""; "bucket"; "archive"; "web" ])))
            (fun ((targets, fallback), places) ->
                let targets = List.ofSeq targets

                let artifacts = places |> List.mapi (fun index place -> $"a{index}", place)

                match route fallback targets artifacts with
                | Error _ -> ()
                | Ok routed ->
                    Expect.hasLength routed artifacts.Length "each once"

                    for (name, asked), (routedName, place, kind) in List.zip artifacts routed do
                        Expect.equal routedName name "in their order"

                        let expected =
                            match asked, fallback, targets with
                            | "", Some kind, _ -> "", kind.Word
                            | "", None, [ single, kind ] -> single, kind.ToLowerInvariant()
                            | asked, _, _ ->
                                asked, (targets |> List.find (fst >> (=) asked) |> snd).ToLowerInvariant()

                        Expect.equal (place, kind) expected name)

        table
            "the default sink of an environment"
            [
                [], None
                [ "CELLOS_EXPORT_DIR", "/x" ], Some TargetKind.Local
                [ "CELLOS_EXPORT_DIR", " " ], None
                [ "CELLOS_EXPORT_HTTP_BASE_URL", "https://h" ], Some TargetKind.Http
                [ "CELLOS_EXPORT_DIR", "/x"; "CELLOS_EXPORT_HTTP_BASE_URL", "https://h" ],
                Some TargetKind.Http
                [ "CELLOS_EXPORT_S3_PRESIGNED_URL__A", "https://h" ], None
            ]
            (fun (variables, _) -> Fallback.ofEnvironment (contextOf variables).Lookup)
            snd

        test "a variable of the target counts more than the shared one" {
            let root variables =
                match (resolve None [ "archive", "local" ] variables).Plain with
                | [ {
                        Settings = Some(PlainSettings.Local settings)
                    } ] -> settings.Root, settings.Overwrite
                | other -> failtestf "%A" other

            Expect.equal (root [ "CELLOS_EXPORT_DIR", "/shared" ]) ("/shared", false) "shared"

            Expect.equal
                (root [
                    "CELLOS_EXPORT_DIR", "/shared"
                    "CELLOS_EXPORT_DIR__ARCHIVE", "/own"
                    "CELLOS_EXPORT_LOCAL_OVERWRITE", "1"
                ])
                ("/own", true)
                "its own"
        }

        test "what is missing or wrong is a problem of its variable, and shows no token" {
            let wrong variables =
                problemsOf (resolve None [ "web", "http" ] variables)

            Expect.equal (wrong [] |> List.map fst) [ "CELLOS_EXPORT_HTTP_BASE_URL__WEB" ] "no URL"

            Expect.equal
                (problemsOf (resolve None [ "archive", "local" ] []) |> List.map fst)
                [ "CELLOS_EXPORT_DIR__ARCHIVE" ]
                "no folder"

            match
                wrong [
                    "CELLOS_EXPORT_HTTP_BASE_URL__WEB", "http://h/in"
                    "CELLOS_EXPORT_HTTP_BEARER_TOKEN__WEB", "sekrit.1"
                ]
            with
            | [ variable, text ] ->
                Expect.equal variable "CELLOS_EXPORT_HTTP_BEARER_TOKEN__WEB" "the variable"
                Expect.isFalse (text.Contains "sekrit") "no token"
            | other -> failtestf "%A" other
        }

        test "what is wrong with a base URL is said without the words of presigned URLs" {
            for value in
                [
                    "https://h.example/x y"
                    "ftp://h.example/x"
                    "h.example/x"
                    "https://h.example/x#f"
                    "https://u:p@h.example/x"
                    "https://h.example/x%2"
                    "https://h.example/{name}"
                    "https://{cell_id}.example/x"
                    "https://h.example:port/x"
                    ""
                ] do
                let message = (Expect.wantError (HttpTarget.template value) value).Message

                for word in [ "presign"; "signature"; "upload URL"; " key"; "u:p" ] do
                    Expect.isFalse (message.Contains word) $"'{word}': {message}"
        }

        test "the shared token goes to the shared base URL alone" {
            let token = "CELLOS_EXPORT_HTTP_BEARER_TOKEN", "shared.token"

            Expect.equal
                (url (resolve None [ "web", "http" ] [ token; "CELLOS_EXPORT_HTTP_BASE_URL", "https://h/in" ]))
                ("https://h/in/c/a", [ "Bearer shared.token" ])
                "to the shared URL"

            Expect.equal
                (url (
                    resolve None [ "web", "http" ] [
                        token
                        "CELLOS_EXPORT_HTTP_BASE_URL", "https://h/in"
                        "CELLOS_EXPORT_HTTP_BASE_URL__WEB", "https://other/in"
                    ]
                ))
                ("https://other/in/c/a", [])
                "not to the target's own"
        }

        test "values are shown with their variables, and no secret among them" {
            let resolution =
                resolve (Some TargetKind.Http) [ "archive", "local" ] [
                    "CELLOS_EXPORT_DIR__ARCHIVE", "/own"
                    "CELLOS_EXPORT_HTTP_BASE_URL", "https://h/in?sig=0123456789abcdef"
                    "CELLOS_EXPORT_HTTP_BEARER_TOKEN", "sekrit.token"
                    "CELLOS_EXPORT_HTTP_MAX_ATTEMPTS", "five"
                ]

            Expect.isEmpty (problemsOf resolution) "usable"
            let shown = $"%A{resolution.Plain |> List.map _.Values}"
            Expect.stringContains shown "/own" "the folder"
            Expect.isFalse (shown.Contains "0123456789abcdef" || shown.Contains "sekrit") shown

            Expect.contains
                (resolution.Findings |> List.map (fun finding -> finding.Id, finding.Variable))
                (FindingId.InvalidNumber, "CELLOS_EXPORT_HTTP_MAX_ATTEMPTS")
                "the warning"
        }

        test "every variable of the other kinds has a value that is shown" {
            let shown =
                [
                    resolve None [ "a", "local" ] [ "CELLOS_EXPORT_DIR__A", "/x" ]
                    resolve None [ "a", "http" ] [ "CELLOS_EXPORT_HTTP_BASE_URL__A", "https://h/in" ]
                    resolve (Some TargetKind.Local) [] [ "CELLOS_EXPORT_DIR", "/x" ]
                    resolve (Some TargetKind.Http) [] [ "CELLOS_EXPORT_HTTP_BASE_URL", "https://h/in" ]
                ]
                |> List.collect (fun resolution -> resolution.Plain |> List.collect _.Values)
                |> List.choose _.Variable

            for row in Variable.all do
                if Variable.isOfOtherSink row.Name then
                    let name = if row.PerTarget then row.Name + "A" else row.Name
                    Expect.equal (shown |> List.filter ((=) name)) [ name ] "once"
        }

        test "what the variables of HTTP sinks say reaches the target, its own before the shared ones" {
            for suffix in [ ""; "__WEB" ] do
                let resolution =
                    resolve None [ "web", "http" ] [
                        "CELLOS_EXPORT_HTTP_BASE_URL__WEB", "https://h/in"
                        "CELLOS_EXPORT_HTTP_MAX_ATTEMPTS" + suffix, "7"
                        "CELLOS_EXPORT_HTTP_RETRY_BACKOFF_MS" + suffix, "9"
                        "CELLOS_EXPORT_HTTP_TIMEOUT_MS" + suffix, "77"
                        "CELLOS_EXPORT_HTTP_CONNECT_TIMEOUT_MS" + suffix, "88"
                    ]

                match (List.exactlyOne resolution.Plain).Settings with
                | Some(PlainSettings.Http settings) ->
                    Expect.equal settings.Retry.MaxAttempts 7 "attempts"
                    Expect.equal settings.Retry.Backoff.TotalMilliseconds 9. "backoff"
                    Expect.equal settings.Limits.RequestTimeout.TotalMilliseconds 77. "request"
                    Expect.equal settings.Limits.ConnectTimeout.TotalMilliseconds 88. "connect"
                | other -> failtestf "%A" other
        }

        test "misspelt variables of all kinds are found" {
            let unknown fallback targets =
                (resolve fallback targets [
                    "CELLOS_EXPORT_DIR", "/x"
                    "CELLOS_EXPORT_HTTP_BEARER_TOKN__WEB", "x"
                    "CELLOS_EXPORT_HTTP_BASE_URL__WEB", "https://h"
                ])
                    .Findings
                |> List.filter (fun finding -> finding.Id = FindingId.UnknownVariable)
                |> List.map _.Variable

            Expect.equal
                (unknown (Some TargetKind.Local) [ "web", "http" ])
                [ "CELLOS_EXPORT_HTTP_BEARER_TOKN__WEB" ]
                ""
        }
    ]
