/// What holds for every spec and every environment.
module CellOS.Export.S3.Core.Tests.ResolutionLaws

open System
open System.IO
open System.Numerics
open System.Text.Json
open System.Text.RegularExpressions
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.Shown
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.SpecGenerators

let private namesOf (spec: CellSpec) = spec.Targets |> List.map _.Name

/// The severities of each finding, as the table in docs/operators.md lists them.
let private documented =
    Path.Combine(__SOURCE_DIRECTORY__, "..", "..", "..", "docs", "operators.md")
    |> File.ReadLines
    |> Seq.skipWhile (fun line -> line <> "| Finding | | When |")
    |> Seq.skip 2
    |> Seq.takeWhile _.StartsWith('|')
    |> Seq.collect (fun line ->
        let cells = line.Split '|'

        [
            for id in Regex.Matches(cells[1], "`([^`]+)`") ->
                id.Groups[1].Value, [ for word in Regex.Matches(cells[2], "[a-z]{4,}") -> word.Value ]
        ])
    |> Map.ofSeq

/// A spec with an environment for it, both hostile.
let private hostile =
    gen {
        let! raw = unchecked

        match CellSpec.create (fst raw.Value) (snd raw.Value) with
        | Error _ -> return None
        | Ok spec ->
            let! environment = environment (namesOf spec)
            let! cell = Gen.optionOf cellId
            let! hasProvider = Gen.elements [ true; false ]

            return
                Some(
                    spec,
                    {
                        contextOf environment.Value with
                            CellId = cell
                            HasProvider = hasProvider
                    },
                    raw.Secrets @ environment.Secrets
                )
    }
    |> Gen.filter _.IsSome
    |> Gen.map Option.get

let private usual =
    gen {
        let! spec = goodSpec
        let! environment = environment (namesOf spec)
        return spec, environment
    }

let private manifest =
    gen {
        let! entries =
            Gen.listOf (
                Gen.zip (mostly [ "logs/1"; "logs/2"; "a" ]) (Gen.frequency [ 4, presigned; 1, pasted ])
            )
            |> Gen.resize 4

        let text (planted: Planted) =
            if isNull (box planted.Url) then "" else planted.Url

        return {
            Value =
                entries
                |> List.map (fun (name, url) -> struct (text name, text url))
                |> List.distinctBy (fun struct (name, _) -> name)
                |> List.map (fun struct (name, url) ->
                    $"{JsonSerializer.Serialize name}: {JsonSerializer.Serialize url}")
                |> String.concat ","
                |> fun entries -> UrlManifest.parse $"{{{entries}}}"
            Secrets = entries |> List.collect (fun (name, url) -> name.Secrets @ url.Secrets)
        }
    }

let private noSecret secrets what shown =
    Expect.isEmpty (shown |> List.collect (holds secrets)) what

let private oneLine (text: string) = not (text |> Seq.exists Char.IsControl)

[<Tests>]
let laws =
    testList "Settings laws" [
        propertyTimes 100 "resolution is total and shows no secret" hostile (fun (spec, context, secrets) ->
            let resolution = Settings.resolve context spec
            noSecret secrets "the resolution" (everyWay resolution)
            let refusals = Settings.refusals { resolution with Strict = true }
            noSecret secrets "the refusals" (everyWay refusals)

            for finding in resolution.Findings do
                Expect.isTrue (oneLine finding.Message) "a finding is one line"
                Expect.isTrue (finding.Message.Length < 1000) "and not long"

            for problem in refusals do
                Expect.isTrue (oneLine problem.Message) "a problem is one line"

            for value in resolution.Globals @ (resolution.Targets |> List.collect _.Values) do
                Expect.isTrue (oneLine value.Value) "a value is one line")

        propertyTimes
            60
            "so it is with what manifests say"
            (Gen.zip hostile manifest)
            (fun ((spec, context, secrets), manifest) ->
                let resolution = Settings.resolve context spec

                let whole =
                    namesOf spec
                    |> List.fold
                        (fun resolution name ->
                            Settings.withManifest context spec name manifest.Value resolution)
                        resolution

                let secrets = secrets @ manifest.Secrets
                noSecret secrets "the resolution" (everyWay whole)
                let refusals = Settings.refusals { whole with Strict = true }
                noSecret secrets "the refusals" (everyWay refusals)
                Expect.all whole.Findings (_.Message >> oneLine) "findings are one line"
                Expect.all refusals (_.Message >> oneLine) "problems are one line")

        testCase "null is the same as unset" (fun () ->
            let spec = specOf [ s3 "a" ] []
            let context = contextOf []

            let nulls = {
                context with
                    Lookup = fun _ -> Some Unchecked.defaultof<string>
            }

            Expect.equal (Settings.resolve nulls spec) (Settings.resolve context spec) "the defaults")

        propertyTimes 200 "the order of the variables does not matter" usual (fun (spec, environment) ->
            let forward = Settings.resolve (contextOf environment.Value) spec
            let backward = Settings.resolve (contextOf (List.rev environment.Value)) spec
            Expect.equal backward forward "backward"
            let sorted = Settings.resolve (contextOf (List.sortBy fst environment.Value)) spec
            Expect.equal sorted forward "sorted")

        propertyTimes 200 "each target is as it is alone" usual (fun (spec, environment) ->
            let context = contextOf environment.Value
            let all = Settings.resolve context spec

            for name in namesOf spec do
                let text = TargetName.value name

                let alone =
                    CellSpec.only text spec
                    |> Result.defaultWith (fun problem -> failwith problem.Message)
                    |> Settings.resolve context

                let ofTarget (resolution: Resolution) =
                    resolution.Targets |> List.filter (fun report -> report.Name = name),
                    resolution.Findings |> List.filter (fun finding -> finding.Target = Some text),
                    resolution.Problems |> List.filter (fun problem -> problem.Target = Some text)

                Expect.equal (ofTarget all) (ofTarget alone) "its report, findings and problems"

                let general (resolution: Resolution) =
                    resolution.Globals,
                    resolution.Findings |> List.filter _.Target.IsNone,
                    resolution.Problems |> List.filter _.Target.IsNone

                Expect.equal (general all) (general alone) "and what all share")

        propertyTimes
            200
            "every problem of every target is told at once"
            (gen {
                let! spec = goodSpec

                let! wrongs =
                    namesOf spec
                    |> List.map (fun _ -> Gen.subListOf [ 1; 2; 3 ] |> Gen.map Seq.toList)
                    |> Gen.sequenceToList

                return spec, wrongs
            })
            (fun (spec, wrongs) ->
                let broken = List.zip (namesOf spec) wrongs

                let variables = [
                    for name, wrongs in broken do
                        if List.contains 1 wrongs then
                            Variable.forTarget name Variable.Region, "not a region"

                        if List.contains 2 wrongs then
                            Variable.forTarget name Variable.PresignedUrlsFile, "urls.json"

                        if not (List.contains 3 wrongs) then
                            Variable.forTarget name Variable.PresignedUrl, "https://h/{artifact_name}"
                        elif List.contains 2 wrongs then
                            Variable.forTarget name Variable.PresignedUrl, "{artifact}"
                ]

                let expected = [
                    for name, wrongs in broken do
                        let at stem =
                            Some(TargetName.value name), Some(Variable.forTarget name stem)

                        if List.contains 3 wrongs then
                            at Variable.PresignedUrl

                        if List.contains 2 wrongs then
                            at Variable.PresignedUrlsFile

                        if List.contains 1 wrongs then
                            at Variable.Region
                ]

                let resolution = Settings.resolve (contextOf variables) spec

                Expect.equal
                    (resolution.Problems
                     |> List.map (fun problem -> problem.Target, problem.Variable))
                    expected
                    "each, in the order of the spec"

                Expect.equal
                    (resolution.Targets |> List.map (fun report -> report.Settings.IsSome))
                    (wrongs |> List.map _.IsEmpty)
                    "settings where nothing is wrong")

        propertyTimes
            500
            "a number holds, or its default does with one warning"
            (Gen.zip
                (Gen.elements [
                    Variable.MaxAttempts, "maxAttempts", 1I, 2147483647I
                    Variable.RetryBackoff, "retryBackoff", 0I, 4294967294I
                    Variable.Deadline, "deadline", 1I, 2147483647I
                    Variable.MaxObjectBytes, "maxObjectBytes", 0I, 9223372036854775807I
                ])
                (Gen.frequency [
                    2, anyText
                    1, Gen.choose (0, 40) |> Gen.map (fun power -> string (BigInteger.Pow(3I, power)))
                    1, Gen.choose (-5, 5) |> Gen.map string
                ]))
            (fun ((stem, setting, least, most), text) ->
                let variable = suffixed stem "a"

                let resolution =
                    resolve [ s3 "a" ] [] [
                        suffixed Variable.PresignedUrl "a", "https://h/x"
                        variable, text
                    ]

                let value = resolution.Targets.Head.Values |> List.find (fun v -> v.Name = setting)

                // The rule in other words.
                let isNumber =
                    Regex.IsMatch(text.Trim(), @"\A[0-9]+\z")
                    && (let number = BigInteger.Parse(text.Trim())
                        least <= number && number <= most)

                let warnings =
                    resolution.Findings |> List.map (fun finding -> finding.Id, finding.Variable)

                if String.IsNullOrWhiteSpace text then
                    Expect.equal (value.Origin, warnings) (Origin.Default, []) "unset"
                elif isNumber then
                    Expect.equal (value.Origin, warnings) (Origin.Variable variable, []) "it holds"
                else
                    Expect.equal
                        (value.Origin, warnings)
                        (Origin.Default, [ FindingId.InvalidNumber, variable ])
                        "the default")

        propertyTimes
            300
            "strictness refuses every error and every warning, and no advice"
            hostile
            (fun (spec, context, _) ->
                let resolution = Settings.resolve context spec

                let warnings =
                    resolution.Findings |> List.filter (fun f -> f.Severity <> Severity.Advice)

                Expect.equal
                    (Settings.refusals { resolution with Strict = false })
                    resolution.Problems
                    "without it the problems"

                let strict = Settings.refusals { resolution with Strict = true }

                Expect.equal
                    (strict |> List.truncate resolution.Problems.Length)
                    resolution.Problems
                    "with it the problems first"

                let refused = strict |> List.skip resolution.Problems.Length
                Expect.hasLength refused warnings.Length "and one for each warning"

                for refusal, warning in List.zip refused warnings do
                    Expect.stringContains refusal.Message warning.Message "its text"

                    Expect.equal
                        (refusal.Target, refusal.Variable)
                        (warning.Target, Some warning.Variable)
                        "its place")

        test "every finding has a row in the operators' table" {
            let ids = [
                for field in
                    (typeof<Severity>.Assembly.GetTypes()
                     |> Array.find (fun t -> t.Name = "FindingId"))
                        .GetFields() do
                    match field.GetRawConstantValue() with
                    | :? string as id -> id
                    | _ -> ()
            ]

            Expect.isGreaterThan ids.Length 20 "the ids are constants"

            Expect.equal (documented |> Map.keys |> Set.ofSeq) (set ids) "one row each, and no other"
        }

        propertyTimes
            500
            "ids and severities are those of the operators' table"
            hostile
            (fun (spec, context, _) ->
                for finding in (Settings.resolve context spec).Findings do
                    Expect.contains documented[finding.Id] finding.Severity.Name (string finding))
    ]

let private spec =
    specOf [ s3 "a"; s3 "b" ] [
        { listed "logs/1" with Target = "a" }
        { listed "logs/2" with Target = "a" }
        { listed "logs/1" with Target = "b" }
    ]

let private context =
    contextOf [
        suffixed Variable.PresignedUrlsFile "a", "a.json"
        suffixed Variable.PresignedUrlsFile "b", "b.json"
    ]

let private signed bucket key (expires: DateTimeOffset) =
    $"https://{bucket}.s3.us-west-2.amazonaws.com/{key}?AWSAccessKeyId=x&Signature={UrlDefectTests.base64 20}&Expires={expires.ToUnixTimeSeconds()}"

let private withManifest (entries: (string * string) list) =
    let json =
        entries
        |> List.map (fun (name, url) -> $"\"{name}\": \"{url}\"")
        |> String.concat ","

    Settings.resolve context spec
    |> Settings.withManifest context spec (nameOf "a") (UrlManifest.parse $"{{{json}}}")

let private far = noon.AddHours 2.

[<Tests>]
let manifests =
    testList "Settings manifests" [
        testCase "a good one changes nothing but the expiry, which is the first" (fun () ->
            let before = Settings.resolve context spec

            let after =
                withManifest [
                    "logs/1", signed "evidence" "c/logs/1" far
                    "logs/2", signed "evidence" "c/logs/2" (far.AddHours -1.)
                    "more", signed "evidence" "c/more" (far.AddHours 1.)
                ]

            Expect.equal
                (after.Findings |> List.map _.Id, after.Problems)
                ((before.Findings |> List.map _.Id) @ [ "manifest-unused" ], before.Problems)
                "nothing found but a URL without an artifact"

            Expect.stringContains (List.last after.Findings).What "a URL for 'more', not exported" "which"

            Expect.equal
                (after.Targets |> List.map _.ExpiresAt)
                [ Some(far.AddHours -1.); None ]
                "of this target only")

        testCase
            "a manifest without a URL for any artifact is one problem, however many artifacts there are"
            (fun () ->
                let spec = specOf [ s3 "a" ] [ for n in 1..20_000 -> listed $"{n}" ]

                let after =
                    Settings.resolve context spec
                    |> Settings.withManifest context spec (nameOf "a") (UrlManifest.parse "{}")

                let problem = List.exactlyOne after.Problems

                Expect.stringContains
                    problem.Text
                    "'1', '2', '3' and 19997 more"
                    "the first in the order of the spec"

                Expect.equal
                    (problem.Target, problem.Variable)
                    (Some "a", Some "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__A")
                    "its place")

        testCase "a manifest that lacks some of the artifacts is an error, and no problem" (fun () ->
            let after =
                withManifest [
                    "logs/1", signed "evidence" "c/logs/1" far
                    "cell/logs/2", signed "evidence" "c/logs/2" far
                ]

            Expect.isEmpty after.Problems "the others can be exported"
            let finding = after.Findings |> List.find (fun f -> f.Id = FindingId.ManifestLacks)
            Expect.equal finding.Severity Severity.Error "check ends with 2"
            Expect.equal finding.What "the manifest has no URL for the artifact 'logs/2'" "which"

            Expect.stringContains
                finding.Remedy
                "has a URL for 'cell/logs/2': if it is meant for 'logs/2', correct the name there"
                "the entry that may be meant"

            Expect.isNonEmpty (Settings.refusals { after with Strict = true }) "strict mode refuses it")

        testCase "an empty manifest is an error" (fun () ->
            let after = withManifest []

            Expect.equal
                (after.Findings |> List.map (fun f -> f.Id, f.Severity))
                [ "empty-manifest", Severity.Error ]
                "nothing can be sent"

            Expect.isFalse (Settings.allCanBeExported after) "check ends with 2")

        testCase "URLs that have all expired are an error, unless the clocks may differ" (fun () ->
            let expiring (ends: DateTimeOffset list) =
                let urls = [
                    for i, ends in List.indexed ends -> $"logs/{i}", signed "evidence" $"c/logs/{i}" ends
                ]

                (withManifest urls).Findings
                |> List.filter (fun f -> f.Id = "url-expired")
                |> List.map _.Severity

            let now = context.Now
            let long, short = now.AddMinutes -16., now.AddMinutes -14.
            Expect.equal (expiring [ long ]) [ Severity.Error ] "the only one"
            Expect.equal (expiring [ long; long ]) [ Severity.Error ] "both"
            Expect.equal (expiring [ long; now.AddHours 1. ]) [ Severity.Warning ] "one of two"
            Expect.equal (expiring [ long; short ]) [ Severity.Warning ] "one may still be accepted"
            Expect.equal (expiring [ now.AddHours 1. ]) [] "none")

        testCase "of findings that are alike the first is told, and how many more there are" (fun () ->
            let after =
                withManifest [
                    "logs/2", signed "other" "c/logs/2" noon
                    "logs/1", signed "other" "c/logs/1" noon
                    "logs/9", signed "other" "c/wrong" noon
                ]

            Expect.equal
                (after.Findings |> List.map (fun f -> f.Id, f.Variable))
                [
                    "manifest-unused", "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__A"
                    "url-expired", "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__A"
                    "bucket-mismatch", "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__A"
                    "key-mismatch", "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__A"
                ]
                "one of each id"

            Expect.stringStarts after.Findings[1].What "artifact 'logs/1': " "the first by name"
            Expect.stringEnds after.Findings[1].What "(and 2 more like it)" "the others"
            Expect.stringStarts after.Findings[3].What "artifact 'logs/9': " "its own")

        testCase "what is wrong with it is a problem, each" (fun () ->
            let after = withManifest [ "/", "x"; "b", "y" ]
            Expect.hasLength after.Problems 3 "a name and two URLs"

            Expect.all
                after.Problems
                (fun p -> p.Variable = Some "CELLOS_EXPORT_S3_PRESIGNED_URLS_FILE__A")
                "of this variable")

        testCase "for a target that the spec has not, nothing happens" (fun () ->
            let before = Settings.resolve context spec

            Expect.equal
                (Settings.withManifest context spec (nameOf "zz") (UrlManifest.parse "{}") before)
                before
                "the same")
    ]
