/// Settings beside the targets of a host's configuration.
module CellOS.Export.S3.Core.Tests.HostSettingTests

open System
open System.Collections.Generic
open Expecto
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private target kind = [
    "targets:0:name", "a"
    "targets:0:kind", kind
    if kind = "s3" then
        "targets:0:bucket", "evidence"
]

let private entries (pairs: (string * string) list) = [
    for key, value in pairs -> KeyValuePair<string, string | null>(key, value)
]

let private specOf kind more =
    HostConfiguration.specFor None (entries (target kind @ more))

let private resolved kind more variables =
    match specOf kind more with
    | Ok spec -> Settings.resolve (contextOf variables) spec
    | Error problems -> failtestf "%A" problems

let private url = "https://h.example/{artifact_name}"

/// What a target needs besides the setting that a test is about.
let private needs kind =
    match kind with
    | "s3" -> [ suffixed Variable.PresignedUrl "a", url ]
    | "http" -> [ suffixed Variable.LegacyUrl "a", "https://h.example/" ]
    | _ -> [ suffixed Variable.LocalFolder "a", "/x" ]

/// Kind, key, a value as the configuration has it, the variable, and the value as the variable has it.
let private ofTargets = [
    for key, value, stem, same in
        [
            "BindDigest", "True", Variable.BindDigest, "1"
            "MaxAttempts", "7", Variable.MaxAttempts, "7"
            "RetryBackoff", "00:00:00.250", Variable.RetryBackoff, "250"
            "RetryBackoff", "00:00:00", Variable.RetryBackoff, "0"
            "RetryBackoff", "49.17:02:47.294", Variable.RetryBackoff, "4294967294"
            "RetryMode", "Exponential", Variable.RetryMode, "exponential"
            "MaxRetryBackoff", "00:01:00", Variable.RetryMaxBackoff, "60000"
            "Deadline", "00:02:00", Variable.Deadline, "120000"
            "Deadline", "1.00:00:00", Variable.Deadline, "86400000"
            "WriteOnce", "true", Variable.WriteOnce, "1"
            "Integrity", "Require", Variable.Integrity, "require"
            "ContentMd5", "True", Variable.ContentMd5, "1"
            "AcceptUnmarked", "True", Variable.AcceptUnmarked, "1"
            "KeyCheck", "off", Variable.KeyCheck, "off"
            "KeyCheck", "False", Variable.KeyCheck, "off"
            "KeyCheck", "True", Variable.KeyCheck, "on"
            "MaxObjectBytes", "1000", Variable.MaxObjectBytes, "1000"
            "SpoolFolder", "/var/spool/x", Variable.SpoolDir, "/var/spool/x"
            "SpoolMaxBytes", "5", Variable.SpoolMaxBytes, "5"
        ] do
        "s3", key, value, suffixed stem "a", same

    for key, value, stem, same in
        [
            "AllowPlaintextToken", "True", Variable.HttpPlaintextToken, "1"
            "MaxAttempts", "2", Variable.HttpMaxAttempts, "2"
            "RetryBackoff", "00:00:01", Variable.HttpRetryBackoff, "1000"
            "RequestTimeout", "00:05:00", Variable.HttpRequestTimeout, "300000"
            "ConnectTimeout", "00:00:05", Variable.HttpConnectTimeout, "5000"
            "SpoolFolder", "/var/spool/x", Variable.HttpSpoolDir, "/var/spool/x"
            "SpoolMaxBytes", "5", Variable.HttpSpoolMaxBytes, "5"
        ] do
        "http", key, value, suffixed stem "a", same

    "local", "Overwrite", "True", suffixed Variable.LocalOverwrite "a", "1"
]

/// The same for keys below `export`.
let private shared = [
    "s3", "BindDigest", "True", Variable.SharedBindDigest, "1"
    "s3", "RequestTimeout", "00:05:00", Variable.RequestTimeout, "300000"
    "http", "RequestTimeout", "00:05:00", Variable.SharedHttpRequestTimeout, "300000"
    "s3", "ConnectTimeout", "00:00:05", Variable.ConnectTimeout, "5000"
    "http", "ConnectTimeout", "00:00:05", Variable.SharedHttpConnectTimeout, "5000"
    "s3", "StallTimeout", "00:00:20", Variable.StallTimeout, "20000"
    "s3", "ExpectContinueMinBytes", "off", Variable.ExpectContinueMinBytes, "off"
    "s3", "SpoolFolder", "/var/spool/x", Variable.SharedSpoolDir, "/var/spool/x"
    "http", "SpoolFolder", "/var/spool/x", Variable.SharedHttpSpoolDir, "/var/spool/x"
    "s3", "SpoolMaxBytes", "5", Variable.SharedSpoolMaxBytes, "5"
    "s3", "CaBundle", "/etc/ca.pem", Variable.CaBundle, "/etc/ca.pem"
    "s3", "Strict", "True", Variable.Strict, "1"
]

/// The sources of URLs, of which a target has one.
let private sources = [
    "PresignedUrl", url, Variable.PresignedUrl, url
    "PresignedUrlsFile", "/x/urls.json", Variable.PresignedUrlsFile, "/x/urls.json"
    "BrokerUrl", "https://broker.example/", Variable.BrokerUrl, "https://broker.example/"
    "UrlCommand", "presign --fast", Variable.UrlCommand, "presign --fast"
]

/// All that decides what a target does: settings, and what its findings are about.
let private meaning (resolution: Resolution) =
    [ for report in resolution.Targets -> report.Settings ],
    [ for report in resolution.Plain -> report.Settings ],
    (resolution.CaBundle, resolution.ConnectTimeout, resolution.Strict),
    [ for finding in resolution.Findings -> finding.Id ]

let private findings kind more = [
    for finding in (resolved kind more (needs kind)).Findings do
        if finding.Id.StartsWith "unknown" || finding.Id.StartsWith "invalid" then
            string finding
]

[<Tests>]
let tests =
    testList "Settings in a host's configuration" [
        testCase "a key means what its variable means" (fun () ->
            for kind, key, value, variable, same in ofTargets do
                Expect.equal
                    (meaning (resolved kind [ $"targets:0:{key}", value ] (needs kind)))
                    (meaning (resolved kind [] ((variable, same) :: needs kind)))
                    $"{key} = {value}"

                // The one is the default, the other needs a token and a URL with http.
                if (key, value) <> ("KeyCheck", "True") && key <> "AllowPlaintextToken" then
                    Expect.isTrue
                        (meaning (resolved kind [ $"targets:0:{key}", value ] (needs kind))
                         <> meaning (resolved kind [] (needs kind)))
                        $"{key} = {value} changes something")

        testCase "a key below export means what its shared variable means" (fun () ->
            // A key may stand for a variable of each kind of target.
            let both key = [
                for _, other, _, variable, same in shared do
                    if other = key then
                        variable, same
            ]

            for kind, key, value, _, _ in shared do
                Expect.equal
                    (meaning (resolved kind [ key, value ] (needs kind)))
                    (meaning (resolved kind [] (both key @ needs kind)))
                    $"{key} = {value}"

                Expect.isTrue
                    (meaning (resolved kind [ key, value ] (needs kind))
                     <> meaning (resolved kind [] (needs kind)))
                    $"{key} = {value} changes something")

        testCase "a key may give the source of URLs" (fun () ->
            for key, value, stem, same in sources do
                Expect.equal
                    (meaning (resolved "s3" [ $"targets:0:{key}", value ] []))
                    (meaning (resolved "s3" [] [ suffixed stem "a", same ]))
                    key)

        testCase "a key may give the place of a target that is not a bucket" (fun () ->
            for kind, key, value, stem in
                [
                    "http", "BaseUrl", "https://h.example/", Variable.LegacyUrl
                    "local", "Root", "/x", Variable.LocalFolder
                ] do
                Expect.equal
                    (meaning (resolved kind [ $"targets:0:{key}", value ] []))
                    (meaning (resolved kind [] [ suffixed stem "a", value ]))
                    key)

        testCase "a broker's token file is that of its variable" (fun () ->
            for place, stem in
                [
                    "targets:0:", suffixed Variable.BrokerTokenFile "a"
                    "", Variable.SharedBrokerTokenFile
                ] do
                let broker = [ place + "BrokerUrl", "https://b.example/" ]

                Expect.equal
                    (meaning (resolved "s3" (broker @ [ place + "BrokerTokenFile", "/x/token" ]) []))
                    (meaning (resolved "s3" broker [ stem, "/x/token" ]))
                    stem)

        testCase "a bearer token is that of its variable" (fun () ->
            Expect.equal
                (meaning (
                    resolved "http" [
                        "targets:0:BaseUrl", "https://b.example/"
                        "targets:0:BearerToken", "t0ken"
                    ] []
                ))
                (meaning (
                    resolved "http" [] [
                        suffixed Variable.LegacyUrl "a", "https://b.example/"
                        suffixed Variable.HttpToken "a", "t0ken"
                    ]
                ))
                "the same")

        testCase "every variable of a target has a key" (fun () ->
            let covered =
                [
                    for _, _, _, variable, _ in ofTargets do
                        variable
                    for _, _, stem, _ in sources do
                        suffixed stem "a"
                    for stem in
                        [
                            Variable.LegacyUrl
                            Variable.LocalFolder
                            Variable.BrokerTokenFile
                            Variable.HttpToken
                        ] do
                        suffixed stem "a"
                    // The region is a key of the spec as well.
                    suffixed Variable.Region "a"
                ]
                |> List.distinct
                |> List.sort

            Expect.equal
                covered
                (Variable.all
                 |> List.filter _.PerTarget
                 |> List.map (fun row -> suffixed row.Name "a")
                 |> List.sort)
                "each")

        testCase "a command may be a list of words, which stay as they are" (fun () ->
            let words = [ "/opt/my presigner"; "it's"; "$HOME"; "" ]

            let resolution =
                resolved "s3" [
                    for index, word in List.indexed words -> $"targets:0:UrlCommand:{index}", word
                ] []

            match (Settings.usable resolution |> List.exactlyOne).Url with
            | UrlChoice.Command command ->
                Expect.equal (command.Program :: command.Arguments) words "the program and its arguments"
            | other -> failtestf "%A" other)

        property
            "a variable counts more than the key of the same setting, whatever that says"
            (Gen.zip (Gen.elements (ofTargets @ shared)) (Gen.elements [ "1"; "x"; "00:00:09"; "off"; "/y" ]))
            (fun ((kind, key, _, variable, same), other) ->
                let place = if variable.Contains "__" then $"targets:0:{key}" else key

                // A key below export may stand for a variable of each kind of target.
                let variables =
                    (variable, same)
                    :: [
                        for _, other, _, another, same in shared do
                            if other = key && not (variable.Contains "__") then
                                another, same
                    ]
                    @ needs kind

                // What is wrong with a time is reported all the same.
                let settings resolution =
                    let targets, plain, others, _ = meaning resolution
                    targets, plain, others

                Expect.equal
                    (settings (resolved kind [ place, other ] variables))
                    (settings (resolved kind [] variables))
                    place)

        testCase "a variable with a source of URLs counts more than the keys of all sources" (fun () ->
            for key, value, _, _ in sources do
                for _, _, stem, same in sources do
                    let variables = [ suffixed stem "a", same ]

                    Expect.equal
                        (meaning (resolved "s3" [ $"targets:0:{key}", value ] variables))
                        (meaning (resolved "s3" [] variables))
                        $"{key} under {stem}")

        testCase "a token that is given by a key is for the place that a key gives" (fun () ->
            let without kind more variables =
                Expect.equal
                    (meaning (resolved kind more variables))
                    (meaning (resolved kind [] variables))
                    $"{more}"

            for stem in [ Variable.PresignedUrl; Variable.BrokerUrl ] do
                without "s3" [
                    "targets:0:BrokerUrl", "https://b.example/"
                    "targets:0:BrokerTokenFile", "/x/token"
                ] [ suffixed stem "a", "https://c.example/" ]

            without "s3" [ "BrokerUrl", "https://b.example/"; "BrokerTokenFile", "/x/token" ] [
                Variable.SharedBrokerUrl, "https://c.example/"
            ]

            without "http" [ "targets:0:BaseUrl", "https://b.example/"; "targets:0:BearerToken", "t0ken" ] [
                suffixed Variable.LegacyUrl "a", "https://c.example/"
            ])

        testCase "two keys with a source of URLs are refused, by their names" (fun () ->
            let resolution =
                resolved "s3" [ "targets:0:PresignedUrl", url; "targets:0:BrokerUrl", "https://b.example/" ] []

            Expect.equal
                [ for problem in resolution.Problems -> string problem ]
                [ "target 'a': brokerUrl: 'presignedUrl' is set as well. Keep one of the two." ]
                "no variable is named, since none is set")

        testCase "a key of a target counts more than a variable that all targets share" (fun () ->
            let resolution =
                resolved "s3" [ "targets:0:PresignedUrl", url ] [
                    Variable.SharedBrokerUrl, "https://b.example/"
                ]

            match (Settings.usable resolution |> List.exactlyOne).Url with
            | UrlChoice.Template _ -> ()
            | other -> failtestf "%A" other)

        testCase "the report names the key, and the variable that would set it" (fun () ->
            let value =
                (resolved "s3" [ "targets:0:MaxAttempts", "7" ] (needs "s3")).Targets
                |> List.exactlyOne
                |> _.Values
                |> List.find (fun value -> value.Name = "maxAttempts")

            Expect.equal
                (value.Value, value.Origin, value.Variable)
                ("7", Origin.Spec, Some(suffixed Variable.MaxAttempts "a"))
                "7, of the spec")

        table
            "what is wrong names the key and what to write"
            [
                [ "targets:0:MaxAttempts", "many" ],
                [
                    "warning invalid-number: target 'a': maxAttempts: 'many' is not an integer from 1 to 2147483647; using the default (3). Correct it, or leave it out."
                ]
                [ "targets:0:Deadline", "120000" ],
                [
                    "warning invalid-number: target 'a': deadline: '120000' is not a time in whole milliseconds from 00:00:00.0010000 to 24.20:31:23.6470000; it is ignored. Write 00:02:00 if it means milliseconds."
                ]
                [ "targets:0:Deadline", "2 min" ],
                [
                    "warning invalid-number: target 'a': deadline: a text of 5 characters is not a time in whole milliseconds from 00:00:00.0010000 to 24.20:31:23.6470000; it is ignored. Write hours, minutes and seconds, such as 00:02:00."
                ]
                [ "targets:0:Deadline", "00:00:00" ],
                [ "warning invalid-number: target 'a': deadline: '00:00:00'" ]
                [ "targets:0:Deadline", "25.00:00:00" ],
                [ "warning invalid-number: target 'a': deadline: '25." ]
                [ "targets:0:Deadline", "00:00:00.0001" ],
                [ "warning invalid-number: target 'a': deadline: '00" ]
                [ "targets:0:RetryBackoff", "-00:00:01" ],
                [ "warning invalid-number: target 'a': retryBackoff: " ]
                [ "RequestTimeout", "10" ],
                [
                    "warning invalid-number: requestTimeout: '10' is not a time in whole milliseconds from 00:00:00.0010000 to 24.20:31:23.6470000; it is ignored. Write 00:00:00.0100000 if it means milliseconds."
                ]
                [ "targets:0:Integrity", "sure" ], [ "warning invalid-choice: target 'a': integrity: 'sure'" ]
                [ "targets:0:MaxAtempts", "7" ],
                [
                    "warning unknown-key: target 'a': MaxAtempts: nothing reads this key of the spec. Write maxAttempts, or remove the key."
                ]
                [ "targets:0:DeadlineMs", "7" ], [ "Write deadline, or remove the key." ]
                [ "targets:0:RequestTimeout", "00:00:01" ], [ "Move it to 'export': targets share it." ]
                [ "targets:0:Overwrite", "1" ], [ "Remove it: targets of this kind have no such setting." ]
                [ "MaxAttempts", "7" ], [ "Move it to the targets that it is for." ]
                [ "Requesttimeuot", "7" ], [ "Write requestTimeout, or remove the key." ]
                [ "targets:0:deadline", ""; "CellId", "cell-1" ], []
            ]
            (fun (more, expected) -> [
                for found, part in Seq.zip (findings "s3" more) (expected @ List.replicate 9 "\000") do
                    if found.Contains part then part else found
            ])
            snd

        testCase "a target of another kind has the keys of its own" (fun () ->
            Expect.equal
                [
                    for text in findings "http" [ "targets:0:MaxAtempts", "7" ] ->
                        text.Contains "Write maxAttempts"
                ]
                [ true ]
                "http"

            Expect.isEmpty (findings "local" [ "targets:0:Overwrite", "1" ]) "local")

        testCase "what is not one text is refused, together with what else is wrong" (fun () ->
            match specOf "s3" [ "targets:0:MaxAttempts:0", "7"; "targets:1:kind", "http" ] with
            | Ok _ -> failtest "a list of numbers"
            | Error problems ->
                Expect.equal
                    [ for problem in problems -> problem.Message ]
                    [
                        "target 2 has no 'name'. Give one."
                        "'maxAttempts' of target 'a' must be a text, and is a list. Give one text."
                    ]
                    "which key")

        testCase "a document has no settings: they come from the environment" (fun () ->
            let plain value = SpecNode.Scalar(1, value, true)
            let map pairs = SpecNode.Mapping(1, Array.ofList pairs)

            let document =
                map [
                    struct ("export",
                            map [
                                struct ("targets",
                                        SpecNode.Sequence(
                                            1,
                                            [|
                                                map [
                                                    struct ("name", plain "a")
                                                    struct ("kind", plain "s3")
                                                    struct ("bucket", plain "b")
                                                    struct ("maxAttempts", plain "7")
                                                ]
                                            |]
                                        ))
                            ])
                ]

            match SpecReader.read document with
            | Error problems -> failtestf "%A" problems
            | Ok spec ->
                let resolution = Settings.resolve (contextOf (needs "s3")) spec

                Expect.equal
                    (Settings.usable resolution |> List.exactlyOne).Retry.MaxAttempts
                    3
                    "the default"

                Expect.contains
                    [ for f in resolution.Findings -> f.Id ]
                    FindingId.UnknownKey
                    "with a warning")

        testCase "the whole configuration and its section are the same" (fun () ->
            let inside = target "s3" @ [ "targets:0:MaxAttempts", "7" ]

            let whole = [
                for key, value in inside do
                    "Export:" + key, value
                "Logging:LogLevel:Default", "Warning"
                "TARGETS_OF_ANOTHER", "x"
            ]

            let read pairs =
                match HostConfiguration.spec (entries pairs) with
                | Ok spec -> Ok(meaning (Settings.resolve (contextOf (needs "s3")) spec))
                | Error problems -> Error problems

            Expect.equal (read whole) (read inside) "the same"

            match read [ "Logging:LogLevel:Default", "Warning" ] with
            | Error [ problem ] -> Expect.stringContains problem.Text "no targets" "no section"
            | other -> failtestf "%A" other)

        testCase "the cell id may be beside the targets" (fun () ->
            let id more =
                HostConfiguration.spec (entries (target "s3" @ more))
                |> Result.map (_.Id >> Option.map CellId.value)

            Expect.equal (id [ "CellId", "cell-7" ]) (Ok(Some "cell-7")) "given"
            Expect.equal (id []) (Ok None) "left out"

            match id [ "cellid", "a/b" ] with
            | Error [ problem ] ->
                Expect.stringStarts problem.Text "'cellId' of 'export': The cell id" "which"
            | other -> failtestf "%A" other)

        testCase "no text shows a credential" (fun () ->
            let secret = "5ec12e75ec12e75ec12e7"

            for key in
                [
                    "PresignedUrl"
                    "BrokerUrl"
                    "Deadline"
                    "MaxAttempts"
                    "KeyCheck"
                    "SpoolFolder"
                ] do
                let value = $"https://h.example/x?X-Amz-Signature={secret}"

                match specOf "s3" [ $"targets:0:{key}", value ] with
                | Error problems -> Expect.isFalse ((string problems).Contains secret) key
                | Ok spec ->
                    let resolution = Settings.resolve (contextOf []) spec

                    for text in
                        [
                            $"%A{spec}"
                            string spec
                            for finding in resolution.Findings do
                                string finding
                            for problem in resolution.Problems do
                                string problem
                            for report in resolution.Targets do
                                for value in report.Values do
                                    value.Value
                        ] do
                        Expect.isFalse (text.Contains secret) $"{key}: {text}")
    ]
