/// Where the environment says that artifacts are kept.
module CellOS.Export.S3.Core.Tests.SpoolSettingTests

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private url =
    suffixed Variable.PresignedUrl "a", "https://gw.example/{cell_id}/{artifact_name}"

let private s3Spool variables =
    match (resolve [ s3 "a" ] [] (url :: variables)).Targets with
    | [ { Settings = Some settings } ] ->
        settings.Spool |> Option.map (fun spool -> spool.Folder, spool.MaxBytes)
    | other -> failtestf "%A" other

let private plain text = SpecNode.Scalar(1, text, true)

let private map (entries: (string * SpecNode) list) =
    SpecNode.Mapping(1, [| for key, node in entries -> struct (key, node) |])

/// The target `a` of kind `http`, and the default sink, of the same kind.
let private httpResolution variables =
    let target = map [ "name", plain "a"; "kind", plain "http" ]
    let targets = map [ "targets", SpecNode.Sequence(1, [| target |]) ]

    match SpecReader.readFor (Some TargetKind.Http) (map [ "export", targets ]) with
    | Ok spec ->
        Settings.resolve (contextOf ((Variable.SharedHttpUrl, "https://h.example") :: variables)) spec
    | Error problems -> failtestf "%A" problems

let private httpSpool name variables =
    let report =
        (httpResolution variables).Plain |> List.find (fun report -> report.Name = name)

    match report.Settings with
    | Some(PlainSettings.Http settings) ->
        settings.Spool |> Option.map (fun spool -> spool.Folder, spool.MaxBytes)
    | other -> failtestf "%A" other

let private a = Some(nameOf "a")

[<Tests>]
let tests =
    testList "spool settings" [
        table
            "of an S3 target"
            [
                [], None
                [ "CELLOS_EXPORT_S3_SPOOL_DIR__A", "/s" ], Some("/s", None)
                [ "CELLOS_EXPORT_S3_SPOOL_DIR", "/all" ], Some("/all", None)
                [ "CELLOS_EXPORT_S3_SPOOL_DIR", "/all"; "CELLOS_EXPORT_S3_SPOOL_DIR__A", "/s" ],
                Some("/s", None)
                [
                    "CELLOS_EXPORT_S3_SPOOL_DIR__A", "/s"
                    "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES__A", "7"
                ],
                Some("/s", Some 7L)
                [
                    "CELLOS_EXPORT_S3_SPOOL_DIR__A", "/s"
                    "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES", "8"
                ],
                Some("/s", Some 8L)
                [
                    "CELLOS_EXPORT_S3_SPOOL_DIR__A", "/s"
                    "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES__A", "0"
                ],
                Some("/s", None)
                [ "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES__A", "7" ], None
                [ "CELLOS_EXPORT_S3_SPOOL_DIR__B", "/s" ], None
                [ "CELLOS_EXPORT_HTTP_SPOOL_DIR", "/s" ], None
            ]
            (fst >> s3Spool)
            snd

        table
            "of an HTTP target, and of the default sink"
            [
                (a, []), None
                (a, [ "CELLOS_EXPORT_HTTP_SPOOL_DIR__A", "/s" ]), Some("/s", None)
                (a,
                 [
                     "CELLOS_EXPORT_HTTP_SPOOL_DIR", "/all"
                     "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES__A", "9"
                 ]),
                Some("/all", Some 9L)
                (None,
                 [
                     "CELLOS_EXPORT_HTTP_SPOOL_DIR", "/all"
                     "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES", "9"
                 ]),
                Some("/all", Some 9L)
                (None, [ "CELLOS_EXPORT_HTTP_SPOOL_DIR__A", "/s" ]), None
                (a, [ "CELLOS_EXPORT_S3_SPOOL_DIR", "/s" ]), None
            ]
            (fun ((name, variables), _) -> httpSpool name variables)
            snd

        testCase "a URL in the place of the folder is refused, without its query" (fun () ->
            let text = "https://h.example/?X-Amz-Signature=0123456789abcdef0123"

            let resolution =
                resolve [ s3 "a" ] [] [ url; "CELLOS_EXPORT_S3_SPOOL_DIR__A", text ]

            let http = httpResolution [ "CELLOS_EXPORT_HTTP_SPOOL_DIR__A", text ]

            for problem in [ List.exactlyOne resolution.Problems; List.exactlyOne http.Problems ] do
                Expect.stringContains problem.Message "SPOOL_DIR__A" "the variable"
                Expect.stringContains problem.Message "the path of the spool's folder" "what to do"
                Expect.isFalse (problem.Message.Contains "0123456789") "no secret")

        table
            "a limit without a folder is reported"
            [
                [ "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES__A", "7" ],
                [ Some "a", "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES__A" ]
                [ "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES", "7" ], [ None, "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES" ]
                [
                    "CELLOS_EXPORT_S3_SPOOL_MAX_BYTES", "7"
                    "CELLOS_EXPORT_S3_SPOOL_DIR__A", "/s"
                ],
                []
                [ "CELLOS_EXPORT_S3_SPOOL_DIR", "/s" ], []
                [], []
            ]
            (fun (variables, _) -> [
                for finding in (resolve [ s3 "a" ] [] (url :: variables)).Findings do
                    if finding.Id = FindingId.SpoolLimitUnused then
                        finding.Target, finding.Variable
            ])
            snd

        testCase "a limit of HTTP sinks without a folder is reported once" (fun () ->
            let unused variables =
                (httpResolution variables).Findings
                |> List.filter (fun finding -> finding.Id = FindingId.SpoolLimitUnused)

            Expect.hasLength (unused [ "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES", "7" ]) 1 "once"

            Expect.isEmpty
                (unused [
                    "CELLOS_EXPORT_HTTP_SPOOL_MAX_BYTES", "7"
                    "CELLOS_EXPORT_HTTP_SPOOL_DIR", "/s"
                ])
                "used")

        testCase "check shows folder and limit, and where they came from" (fun () ->
            let resolution =
                resolve [ s3 "a" ] [] [ url; "CELLOS_EXPORT_S3_SPOOL_DIR", "/var/spool/x" ]

            let values = (List.exactlyOne resolution.Targets).Values

            let folder = values |> List.find (fun value -> value.Name = "spoolFolder")

            Expect.equal folder.Value "/var/spool/x" "the folder"
            Expect.equal folder.Origin (Origin.Variable "CELLOS_EXPORT_S3_SPOOL_DIR") "the variable")
    ]
