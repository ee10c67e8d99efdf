module CellOS.Export.S3.Core.Tests.SettingsTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private resolve (value: string option) =
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
            ]
            (fst >> resolve)
            snd

        propertyTimes 300 "a timeout is always positive" (Gen.optionOf anyText) (fun value ->
            Expect.isGreaterThan (resolve value) 0 "never without a limit")

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

        testCase "the defaults are those of the contract" (fun () ->
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
