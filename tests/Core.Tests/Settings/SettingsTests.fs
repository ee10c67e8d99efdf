module CellOS.Export.S3.Core.Tests.SettingsTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private timeout (value: string option) =
    Settings.resolveTimeoutMs (fun name -> if name = "T" then value else Some "1") "T" 30000

[<Tests>]
let settings =
    testList "Settings" [
        table
            "a timeout is a whole number of milliseconds, or the default"
            [
                None, 30000
                Some "", 30000
                Some "  ", 30000
                Some "1", 1
                Some " 250 \n", 250
                Some "007", 7
                Some "2147483647", 2147483647
                Some "2147483648", 30000
                Some "0", 30000
                Some "-1", 30000
                Some "+1", 30000
                Some "1.5", 30000
                Some "1e3", 30000
                Some "1,000", 30000
                Some "30s", 30000
                Some "0x10", 30000
                Some "٣", 30000
                Some "5\000", 30000
            ]
            (fst >> timeout)
            snd

        propertyTimes 300 "a timeout is always positive" (Gen.optionOf anyText) (fun value ->
            Expect.isGreaterThan (timeout value) 0 "never without a limit")

        testCase "the names and defaults of the seed" (fun () ->
            Expect.equal Variable.RequestTimeout "CELLOS_EXPORT_S3_TIMEOUT_MS" "request"
            Expect.equal Variable.ConnectTimeout "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS" "connect"

            Expect.equal
                (Variable.DefaultRequestTimeoutMs, Variable.DefaultConnectTimeoutMs)
                (30000, 10000)
                "30 s, 10 s")

        table
            "a target's own variable ends in its name"
            [
                "artifact-bucket", "CELLOS_EXPORT_S3_CONTENT_MD5__ARTIFACT_BUCKET"
                "a.b_c9", "CELLOS_EXPORT_S3_CONTENT_MD5__A_B_C9"
            ]
            (fun (name, _) ->
                match TargetName.create name with
                | Ok name -> Variable.forTarget name Variable.ContentMd5
                | Error refusal -> refusal.Message)
            snd
    ]

let private limits connect request stall deadline = {
    ConnectTimeout = TimeSpan.FromMilliseconds(float<int64> connect)
    RequestTimeout = TimeSpan.FromMilliseconds(float<int64> request)
    StallTimeout = stall |> Option.map (float<int64> >> TimeSpan.FromMilliseconds)
    Deadline = deadline |> Option.map (float<int64> >> TimeSpan.FromMilliseconds)
}

let private longest = 2147483647L

[<Tests>]
let target =
    testList "Target" [
        table
            "limits are positive, and no longer than a timer takes"
            [
                limits 1L 1L None None, []
                limits longest longest (Some longest) (Some longest), []
                Limits.defaults, []
                limits 0L 1L None None, [ "connect timeout" ]
                limits 1L 0L None None, [ "request timeout" ]
                limits 1L 1L (Some 0L) None, [ "stall timeout" ]
                limits 1L 1L None (Some -1L), [ "deadline" ]
                limits (longest + 1L) 1L None None, [ "connect timeout" ]
                limits -1L (longest + 1L) (Some 0L) (Some(longest + 1L)),
                [ "connect timeout"; "request timeout"; "stall timeout"; "deadline" ]
            ]
            (fun (limits, _) ->
                match Limits.check limits with
                | Ok same when same = limits -> []
                | Ok _ -> [ "changed" ]
                | Error refusals -> refusals |> List.map _.Subject)
            snd

        testCase "the defaults are those of the documents" (fun () ->
            let cell = CellId.create "c" |> Result.defaultWith (fun r -> failwith r.Message)
            let bucket = Bucket.create "b" |> Result.defaultWith (fun r -> failwith r.Message)
            let target = Target.create cell bucket None
            Expect.equal target.Limits (limits 10000L 30000L None None) "10 s, 30 s, no more"
            Expect.equal target.Retry RetryPolicy.defaults "three attempts"
            Expect.equal target.Integrity IntegrityMode.Verify "verify"
            Expect.equal target.MaxObjectBytes (5L * 1024L * 1024L * 1024L) "5 GiB"
            Expect.equal target.ExpectContinueFrom (Some(1024L * 1024L)) "1 MiB"
            Expect.isFalse target.WriteOnce "off"
            Expect.isFalse target.ContentMd5 "off")

        propertyTimes
            300
            "a plan renders the template and names the destination"
            (Gen.zip3 templateText cellId artifact)
            (fun (text, cell, artifact) ->
                let bucket = Bucket.create "b" |> Result.defaultWith (fun r -> failwith r.Message)

                let template =
                    UrlTemplate.parse text |> Result.defaultWith (fun r -> failwith r.Message)

                let target = Target.create cell bucket (Some template)

                match PushPlan.create target artifact with
                | Error refusal -> Expect.equal refusal.Subject "object key" "only a long key is refused"
                | Ok plan ->
                    Expect.equal
                        plan.Url
                        (UrlSource.Given(UrlTemplate.render cell artifact template))
                        "the URL"

                    Expect.equal
                        (Destination.value plan.Destination)
                        $"s3://b/{CellId.value cell}/{ArtifactName.value artifact}"
                        "the destination"

                    Expect.equal
                        (PushPlan.create { target with Url = None } artifact |> Result.map _.Url)
                        (Ok UrlSource.Asked)
                        "without a template it is asked for")
    ]

/// A variable that falls back to its default: what is shown when it is unset, what it takes and shows then, and what
/// it does not take.
type private Row = {
    Variable: string
    Setting: string
    Default: string
    Good: (string * string) list
    Bad: string list
}

let private number variable setting unit whenUnset (least: int64) (most: int64) = {
    Variable = variable
    Setting = setting
    Default = whenUnset
    Good = [
        for value in [ least; least + 1L; 77L; most - 1L; most ] do
            yield string value, string value + unit

        yield "  007\n", "7" + unit
    ]
    Bad = [
        string (bigint least - 1I)
        string (bigint most + 1I)
        "9223372036854775808"
        "x"
        "+5"
        "5.0"
        "5e1"
        "1,000"
        "0x5"
        "5 ms"
        "٣"
        "5\000"
        "five hundred million"
    ]
}

let private flag variable setting whenUnset = {
    Variable = variable
    Setting = setting
    Default = whenUnset
    Good = [
        for word in [ "1"; "0"; "true"; "False"; "YES"; "no"; "on"; " off " ] ->
            word, word.Trim().ToLowerInvariant()
    ]
    Bad = [ "2"; "-1"; "y"; "enabled"; "01"; "1 1" ]
}

let private choice variable setting whenUnset words = {
    Variable = variable
    Setting = setting
    Default = whenUnset
    Good = [
        for word: string in words do
            yield word, word
            yield word.ToUpperInvariant(), word
            yield $" {word}\t", word
    ]
    Bad = [ "x"; "0"; "1"; words |> List.head |> (+) "x"; String.concat "," words ]
}

let private rows = [
    number (suffixed Variable.MaxAttempts "a") "maxAttempts" "" "3" 1L 2147483647L
    number (suffixed Variable.RetryBackoff "a") "retryBackoff" " ms" "500 ms" 0L 4294967294L
    number (suffixed Variable.RetryMaxBackoff "a") "retryMaxBackoff" " ms" "20000 ms" 0L 4294967294L
    number (suffixed Variable.Deadline "a") "deadline" " ms" "none" 1L 2147483647L
    number
        (suffixed Variable.MaxObjectBytes "a")
        "maxObjectBytes"
        " bytes"
        "5368709120 bytes"
        0L
        Int64.MaxValue
    number (suffixed Variable.SpoolMaxBytes "a") "spoolMaxBytes" " bytes" "none" 1L Int64.MaxValue
    number Variable.RequestTimeout "requestTimeout" " ms" "30000 ms" 1L 2147483647L
    number Variable.ConnectTimeout "connectTimeout" " ms" "10000 ms" 1L 2147483647L
    number Variable.StallTimeout "stallTimeout" " ms" "none" 1L 2147483647L

    (let row =
        number
            Variable.ExpectContinueMinBytes
            "expectContinueMinBytes"
            " bytes"
            "1048576 bytes"
            0L
            Int64.MaxValue

     {
         row with
             Good = ("off", "none") :: ("OFF", "none") :: row.Good
     })

    choice (suffixed Variable.RetryMode "a") "retryMode" "fixed" [ "fixed"; "exponential" ]
    choice (suffixed Variable.Integrity "a") "integrity" "verify" [ "off"; "verify"; "require" ]
    flag (suffixed Variable.WriteOnce "a") "writeOnce" "0"
    flag (suffixed Variable.ContentMd5 "a") "contentMd5" "if signed"
    flag (suffixed Variable.AcceptUnmarked "a") "acceptUnmarked" "0"
    choice (suffixed Variable.KeyCheck "a") "keyCheck" "on" [ "on"; "off" ]
    flag (suffixed Variable.BindDigest "a") "bindDigest" "0"
    // Another word does not give the default: a test of its own.
    {
        flag Variable.Strict "strict" "0" with
            Bad = []
    }
]

let private goodUrl =
    suffixed Variable.PresignedUrl "a", "https://gw.example/{cell_id}/{artifact_name}"

let private effective (setting: string) (resolution: Resolution) =
    let all =
        resolution.Globals @ (resolution.Targets |> List.collect _.Values)
        |> List.filter (fun value -> value.Name = setting)

    match all with
    | [ value ] -> value
    | other -> failtestf "%s: %A" setting other

let private with' (variable: string) (value: string) =
    resolve [ s3 "a" ] [] [ goodUrl; variable, value ]

let private settingsOf (resolution: Resolution) =
    match resolution.Targets with
    | [ { Settings = Some settings } ] -> settings
    | _ -> failtestf "no settings: %s" (lines resolution.Problems)

let private ms (value: float) = TimeSpan.FromMilliseconds value

[<Tests>]
let values =
    testList "Settings values" [
        testCase "unset and blank give the default and no finding" (fun () ->
            for row in rows do
                for resolution in
                    [
                        resolve [ s3 "a" ] [] [ goodUrl ]
                        with' row.Variable ""
                        with' row.Variable " \t\r\n"
                    ] do
                    let value = effective row.Setting resolution
                    Expect.equal (value.Value, value.Origin) (row.Default, Origin.Default) row.Setting
                    Expect.equal value.Variable (Some row.Variable) "it could be set"
                    Expect.isEmpty resolution.Findings "no finding"
                    Expect.isEmpty resolution.Problems "no problem")

        testCase "what is valid holds, without a finding" (fun () ->
            for row in rows do
                for text, shown in row.Good do
                    let resolution = with' row.Variable text
                    let value = effective row.Setting resolution

                    Expect.equal
                        (value.Value, value.Origin)
                        (shown, Origin.Variable row.Variable)
                        $"{row.Setting} {text}"

                    // The target's URL is a variable, to which no digest can be bound, and there is no spool to limit.
                    let others =
                        resolution.Findings
                        |> List.filter (fun finding ->
                            finding.Id <> FindingId.BindDigestUnused
                            && finding.Id <> FindingId.SpoolLimitUnused)

                    Expect.isEmpty others $"{row.Setting} {text}")

        testCase "what is invalid gives the default and one warning" (fun () ->
            for row in rows do
                let id =
                    if row.Good |> List.exists (fun (text, _) -> text = "77") then
                        FindingId.InvalidNumber
                    else
                        FindingId.InvalidChoice

                for text in row.Bad do
                    let resolution = with' row.Variable text
                    let value = effective row.Setting resolution

                    Expect.equal
                        (value.Value, value.Origin)
                        (row.Default, Origin.Default)
                        $"{row.Setting} {text}"

                    Expect.equal
                        (resolution.Findings |> List.map (fun f -> f.Id, f.Variable, f.Severity))
                        [ id, row.Variable, Severity.Warning ]
                        $"{row.Setting} {text}"

                    Expect.stringContains resolution.Findings.Head.What row.Default "what holds"
                    Expect.isEmpty resolution.Problems "no problem")

        testCase "the table says the defaults that hold" (fun () ->
            for row in rows do
                let told =
                    Variable.all
                    |> List.find (fun known -> row.Variable.StartsWith known.Name)
                    |> _.Default

                if row.Setting <> "contentMd5" then
                    Expect.equal
                        (told.Trim '`')
                        (row.Default.Replace(" ms", "").Replace(" bytes", ""))
                        row.Setting)

        testCase "every variable of the table has a value that is shown" (fun () ->
            let resolution = resolve [ s3 "a" ] [] [ goodUrl ]

            let shown =
                resolution.Globals @ (resolution.Targets |> List.collect _.Values)
                |> List.choose _.Variable

            let elsewhere =
                [
                    Variable.PresignedUrlsFile
                    Variable.LegacyUrl
                    Variable.SharedSpoolDir
                    Variable.SharedSpoolMaxBytes
                ]
                @ UrlSourceSettings.variables

            for row in Variable.all do
                if not (List.contains row.Name elsewhere || Variable.isOfOtherSink row.Name) then
                    let name = if row.PerTarget then row.Name + "A" else row.Name
                    Expect.equal (shown |> List.filter ((=) name)) [ name ] "once")

        testCase "every variable is held here, and what it says reaches the target" (fun () ->
            // What these say is no choice and no number; `Strict` is for all targets together.
            let others = [
                Variable.PresignedUrl
                Variable.PresignedUrlsFile
                Variable.LegacyUrl
                Variable.Region
                Variable.CaBundle
                Variable.SealKey
                Variable.SealPasswordFile
                // A test of its own has these: a spool is no part of the target.
                Variable.SpoolDir
                Variable.SharedSpoolDir
                Variable.SharedSpoolMaxBytes
                yield! UrlSourceSettings.variables
            ]

            let nameOf (row: EnvironmentVariable) =
                if row.PerTarget then suffixed row.Name "a" else row.Name

            Expect.sequenceEqual
                (rows |> List.map _.Variable |> List.sort)
                (Variable.all
                 |> List.filter (fun row ->
                     not (List.contains row.Name others || Variable.isOfOtherSink row.Name))
                 |> List.map nameOf
                 |> List.sort)
                "the rows"

            let cell = CellId.create "c" |> Result.defaultWith (fun r -> failwith r.Message)

            let targetOf resolution =
                resolution |> settingsOf |> Settings.forCell cell

            let plain = targetOf (resolve [ s3 "a" ] [] [ goodUrl ])

            for row in rows do
                if row.Variable <> Variable.Strict && row.Setting <> "spoolMaxBytes" then
                    let reaches (text, _) =
                        targetOf (with' row.Variable text) <> plain

                    Expect.isTrue (List.exists reaches row.Good) row.Setting)

        testCase "strict mode is on for a word that is not one of the choices, with a warning" (fun () ->
            for word in [ "2"; "y"; "enabled"; "01"; "-1"; "True!"; "1 1" ] do
                let resolution = resolve [ s3 "a" ] [] [ goodUrl; Variable.Strict, word ]
                Expect.isTrue resolution.Strict word
                let finding = List.exactlyOne resolution.Findings
                Expect.equal (finding.Id, finding.Variable) (FindingId.InvalidChoice, Variable.Strict) word
                Expect.stringContains finding.Message "it counts as 1" word
                let refusal = List.exactlyOne (Settings.refusals resolution)
                Expect.stringContains refusal.Message Variable.Strict word

            for word in [ "0"; "false"; "No"; " off "; ""; " " ] do
                let resolution = resolve [ s3 "a" ] [] [ goodUrl; Variable.Strict, word ]
                Expect.isFalse resolution.Strict word
                Expect.isEmpty resolution.Findings word)

        testCase "nothing but the URL gives the defaults" (fun () ->
            let settings = resolve [ s3 "a" ] [] [ goodUrl ] |> settingsOf
            let retry = settings.Retry
            Expect.equal (retry.MaxAttempts, retry.Backoff) (3, ms 500.) "3 attempts, 500 ms"
            Expect.equal (retry.Mode, retry.MaxBackoff) (RetryMode.Fixed, ms 20000.) "fixed, 20 s"
            Expect.equal settings.Limits Limits.defaults "10 s, 30 s"
            Expect.equal settings.Integrity IntegrityMode.Verify "verify"
            Expect.isFalse settings.WriteOnce "off"
            Expect.isFalse settings.ContentMd5 "off"
            Expect.isFalse settings.AcceptUnmarked "off"
            Expect.isTrue settings.KeyCheck "on"
            Expect.equal settings.MaxObjectBytes 5368709120L "5 GiB"
            Expect.equal settings.ExpectContinueFrom (Some 1048576L) "1 MiB"
            Expect.equal settings.Region (Some "us-west-2") "the spec's")

        testCase "every variable reaches the settings, and the target" (fun () ->
            let set stem value = suffixed stem "a", value

            let resolution =
                resolve [ { s3 "a" with KeyPrefix = "audit" } ] [] [
                    goodUrl
                    set Variable.Region " eu-1 "
                    set Variable.MaxAttempts "9"
                    set Variable.RetryBackoff "11"
                    set Variable.RetryMode "exponential"
                    set Variable.RetryMaxBackoff "12"
                    set Variable.Deadline "13"
                    set Variable.WriteOnce "1"
                    set Variable.Integrity "require"
                    set Variable.ContentMd5 "yes"
                    set Variable.AcceptUnmarked "1"
                    set Variable.KeyCheck "off"
                    set Variable.MaxObjectBytes "14"
                    Variable.RequestTimeout, "15"
                    Variable.ConnectTimeout, "16"
                    Variable.StallTimeout, "17"
                    Variable.ExpectContinueMinBytes, "off"
                    Variable.CaBundle, " /etc/ca.pem "
                    Variable.Strict, "1"
                ]

            Expect.isEmpty resolution.Findings "no finding"
            let settings = settingsOf resolution
            Expect.equal settings.Region (Some "eu-1") "region"
            Expect.equal (settings.Retry.MaxAttempts, settings.Retry.Backoff) (9, ms 11.) "retry"

            Expect.equal
                (settings.Retry.Mode, settings.Retry.MaxBackoff)
                (RetryMode.Exponential, ms 12.)
                "mode and cap"

            Expect.equal settings.Limits (limits 16L 15L (Some 17L) (Some 13L)) "limits"
            Expect.isTrue (settings.WriteOnce && settings.ContentMd5 && settings.AcceptUnmarked) "flags"
            Expect.isFalse settings.KeyCheck "off"
            Expect.equal settings.Integrity IntegrityMode.Require "integrity"
            Expect.equal (settings.MaxObjectBytes, settings.ExpectContinueFrom) (14L, None) "sizes"
            Expect.equal resolution.CaBundle (Some "/etc/ca.pem") "trimmed"
            Expect.isTrue resolution.Strict "strict"
            Expect.equal resolution.ConnectTimeout (ms 16.) "connect"

            let cell = CellId.create "c" |> Result.defaultWith (fun r -> failwith r.Message)
            let target = Settings.forCell cell settings
            Expect.equal (target.Name |> Option.map TargetName.value) (Some "a") "name"
            Expect.equal (target.Retry, target.Limits) (settings.Retry, settings.Limits) "limits"
            Expect.equal (target.Region, target.Integrity) (settings.Region, settings.Integrity) "the rest"
            Expect.equal (KeyPrefix.value target.KeyPrefix) "audit" "prefix"
            Expect.isTrue (target.WriteOnce && target.Url.IsSome) "and the URL")

        table
            "where the region comes from"
            [
                "us-west-2", None, Some("us-west-2", Origin.Spec)
                "us-west-2", Some " ", Some("us-west-2", Origin.Spec)
                "us-west-2", Some "eu-1", Some("eu-1", Origin.Variable "CELLOS_EXPORT_S3_REGION__A")
                "", Some "eu-1", Some("eu-1", Origin.Variable "CELLOS_EXPORT_S3_REGION__A")
                "", None, Some("none", Origin.Default)
                "us-west-2", Some "eu 1", None
                "us-west-2", Some(String('x', 64)), None
            ]
            (fun (inSpec, value, _) ->
                let resolution =
                    resolve [ { s3 "a" with Region = inSpec } ] [] [
                        goodUrl
                        match value with
                        | Some value -> "CELLOS_EXPORT_S3_REGION__A", value
                        | None -> ()
                    ]

                match resolution.Problems with
                | [] ->
                    let value = effective "region" resolution
                    Some(value.Value, value.Origin)
                | [ {
                        Variable = Some "CELLOS_EXPORT_S3_REGION__A"
                    } ] -> None
                | problems -> failtestf "%s" (lines problems))
            (fun (_, _, expected) -> expected)
    ]

let private url = suffixed Variable.PresignedUrl "a"
let private file = suffixed Variable.PresignedUrlsFile "a"
let private legacy = suffixed Variable.LegacyUrl "a"

[<Tests>]
let urls =
    testList "Settings URLs" [
        table
            "which variable gives the URL, and whose fault it is if none does"
            [
                [ url, "https://h/x" ], Ok(url, [])
                [ url, " https://h/x\n" ], Ok(url, [])
                [ url, "https://h/x"; legacy, "rubbish" ], Ok(url, [])
                [ file, "urls.json" ], Ok(file, [])
                [ file, "urls.json"; legacy, "https://h/x" ], Ok(file, [])
                [ file, "/etc/what?.json" ], Ok(file, [])
                [ legacy, "https://h/x" ], Ok(legacy, [ FindingId.LegacyUrlVariable ])
                [ url, "  "; legacy, "https://h/x" ], Ok(legacy, [ FindingId.LegacyUrlVariable ])
                [], Error [ url ]
                [ url, "" ], Error [ url ]
                [ url, "rubbish" ], Error [ url ]
                [ legacy, "rubbish" ], Error [ legacy ]
                [ url, "https://h/x"; file, "urls.json" ], Error [ file ]
                [ url, "rubbish"; file, "urls.json" ], Error [ url; file ]
                [ url, "rubbish"; file, "https://h/x" ], Error [ url; file; file ]
                [ file, "https://h/urls.json" ], Error [ file ]
                [ file, "https%3A%2F%2Fh%2Furls.json" ], Error [ file ]
                [ file, "h/urls?token=x" ], Error [ file ]
            ]
            (fun (variables, _) ->
                let resolution = resolve [ s3 "a" ] [] variables

                let value =
                    resolution.Targets.Head.Values
                    |> List.tryFind (fun v -> v.Name.StartsWith "url")

                match resolution.Problems, value with
                | [], Some { Origin = Origin.Variable name } ->
                    Expect.isTrue resolution.Targets.Head.Settings.IsSome "settings"
                    Ok(name, resolution.Findings |> List.map _.Id)
                | problems, _ ->
                    Expect.isNone resolution.Targets.Head.Settings "no settings"
                    Error(problems |> List.choose _.Variable))
            snd

        table
            "the program's own source of URLs serves the targets that the environment says nothing of"
            [
                [], Ok(UrlChoice.Provider, Origin.Provider, [])
                [ url, " "; file, "" ], Ok(UrlChoice.Provider, Origin.Provider, [])
                [ file, "urls.json" ], Ok(UrlChoice.Manifest "urls.json", Origin.Variable file, [])
                [ legacy, "https://h/x" ],
                Ok(
                    UrlChoice.Template(Expect.wantOk (UrlTemplate.parse "https://h/x") "a URL"),
                    Origin.Variable legacy,
                    [ FindingId.LegacyUrlVariable ]
                )
                [ url, "https://h/x" ],
                Ok(
                    UrlChoice.Template(Expect.wantOk (UrlTemplate.parse "https://h/x") "a URL"),
                    Origin.Variable url,
                    []
                )
                [ url, "rubbish" ], Error [ url ]
                [ url, "https://h/x"; file, "urls.json" ], Error [ file ]
            ]
            (fun (variables, _) ->
                let context = {
                    contextOf variables with
                        HasProvider = true
                }

                let resolution =
                    Settings.resolve context (specOf [ s3 "a" ] [ listed "logs/1"; listed "logs/2" ])

                match resolution.Problems, resolution.Targets.Head.Settings with
                | [], Some settings ->
                    let value =
                        resolution.Targets.Head.Values
                        |> List.find (fun value -> value.Name.StartsWith "url")

                    let cell = Expect.wantOk (CellId.create "cell-1") "a cell"

                    Expect.equal
                        (Settings.forCell cell settings).Url.IsNone
                        (not settings.Url.IsTemplate)
                        "it is asked for"

                    // That an exact URL takes one artifact is another finding.
                    let others =
                        resolution.Findings
                        |> List.map _.Id
                        |> List.filter (fun id -> id <> FindingId.ExactUrlManyArtifacts)

                    Ok(settings.Url, value.Origin, others)
                | problems, _ -> Error(problems |> List.choose _.Variable))
            snd

        table
            "the bundle of authorities is a file"
            [
                "/etc/ca.pem", (Some "/etc/ca.pem", 0)
                "", (None, 0)
                "https://h/ca.pem", (None, 1)
                "ca?token=x", (None, 1)
            ]
            (fun (value, _) ->
                let resolution = resolve [ s3 "a" ] [] [ goodUrl; Variable.CaBundle, value ]
                resolution.CaBundle, resolution.Problems.Length)
            snd

        testCase "the seed's example" (fun () ->
            let spec = Expect.wantOk (SpecReader.read SpecReaderTests.seed) "the spec"

            let resolution =
                Settings.resolve
                    (contextOf [
                        "CELLOS_EXPORT_S3_PRESIGNED_URL__ARTIFACT_BUCKET",
                        "https://my-cellos-evidence.s3.us-west-2.amazonaws.com/{cell_id}/{artifact_name}?X-Amz-Signature=..."
                        "CELLOS_EXPORT_S3_MAX_ATTEMPTS__ARTIFACT_BUCKET", "3"
                        "CELLOS_EXPORT_S3_RETRY_BACKOFF_MS__ARTIFACT_BUCKET", "500"
                    ])
                    spec

            Expect.isEmpty resolution.Problems "it can be used"

            Expect.equal
                (resolution.Findings |> List.map (fun f -> f.Id, f.Severity))
                [ FindingId.TemplateInSignedPath, Severity.Advice ]
                "and one thing is worth knowing"

            Expect.isEmpty (Settings.refusals { resolution with Strict = true }) "strict or not")

        testCase
            "the legacy variable alone works, and strictness refuses it with the warning's text"
            (fun () ->
                let resolve strict =
                    resolve [ s3 "a" ] [] [ legacy, "https://h/{artifact_name}"; Variable.Strict, strict ]

                let warned = resolve "0"
                Expect.isEmpty (Settings.refusals warned) "it works"
                Expect.isTrue warned.Targets.Head.Settings.IsSome "with settings"

                match warned.Findings, Settings.refusals (resolve "1") with
                | [ warning ], [ refusal ] ->
                    Expect.stringContains refusal.Message warning.Message "the text"
                    Expect.stringContains refusal.Message "CELLOS_STRICT_CONFIG" "and why"
                | other -> failtestf "%A" other)

        testCase "a target of another kind has no settings and no problems" (fun () ->
            let resolution = resolve [ s3 "a"; { s3 "web" with Kind = "http" } ] [] [ goodUrl ]

            Expect.hasLength resolution.Targets 1 "one"
            Expect.equal (resolution.Others |> List.map _.Name) [ "web" ] "the other"
            Expect.isEmpty resolution.Problems "no problem")
    ]
