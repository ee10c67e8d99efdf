/// Brokers and commands in the environment.
module CellOS.Export.S3.Core.Tests.UrlSourceSettings

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.SpecGenerators

/// The variables that say where URLs are asked for.
let variables = [
    Variable.BrokerUrl
    Variable.BrokerTokenFile
    Variable.UrlCommand
    Variable.SharedBrokerUrl
    Variable.SharedBrokerTokenFile
    Variable.SharedUrlCommand
    Variable.SharedBindDigest
]

let private url =
    suffixed Variable.PresignedUrl "a", "https://gw.example/{cell_id}/{artifact_name}"

let private manifest = suffixed Variable.PresignedUrlsFile "a", "/etc/urls.json"
let private broker value = suffixed Variable.BrokerUrl "a", value
let private token = suffixed Variable.BrokerTokenFile "a", "/run/token"
let private command value = suffixed Variable.UrlCommand "a", value
let private https = "https://broker.example/v1?tenant=s3cr3ts3cr3t"

let private resolveA variables = resolve [ s3 "a" ] [] variables

/// `brokerUrl https://…, brokerTokenFile /run/token`, or the problems.
let private outcome (resolution: Resolution) =
    match resolution.Problems with
    | [] -> [
        for report in resolution.Targets do
            for value in report.Values do
                match value.Name with
                | "url"
                | "urlsFile"
                | "brokerUrl"
                | "brokerTokenFile"
                | "urlCommand" -> $"{value.Name}={value.Value}"
                | "bindDigest" when value.Value <> "0" -> $"bindDigest={value.Value}"
                | _ -> ()
      ]
    | problems -> problems |> List.map _.Message

let private isWrong (parts: string list) (message: string) =
    parts
    |> List.forall (fun part -> message.Contains(part, System.StringComparison.Ordinal))

[<Tests>]
let tests =
    testList "sources of URLs in the environment" [
        table
            "are shown without secrets"
            [
                [ broker https ], [ "brokerUrl=https://broker.example/v1"; "brokerTokenFile=none" ]
                [ broker "unix:/run/b.sock"; token ],
                [ "brokerUrl=unix:/run/b.sock"; "brokerTokenFile=/run/token" ]
                [ broker "unix:///run/b.sock" ], [ "brokerUrl=unix:/run/b.sock"; "brokerTokenFile=none" ]
                [ broker "http://localhost:8080/" ],
                [ "brokerUrl=http://localhost:8080/"; "brokerTokenFile=none" ]
                [ broker "http://[::1]:8080/p" ], [ "brokerUrl=http://[::1]:8080/p"; "brokerTokenFile=none" ]
                [ command "presign --key s3cr3ts3cr3t" ], [ "urlCommand=presign (2 arguments)" ]
                [ command "'/opt/a b/presign'" ], [ "urlCommand=/opt/a…" ]
                [ Variable.SharedBrokerUrl, https; Variable.SharedBrokerTokenFile, "/run/all" ],
                [ "brokerUrl=https://broker.example/v1"; "brokerTokenFile=/run/all" ]
                [
                    Variable.SharedBrokerUrl, https
                    Variable.SharedBrokerTokenFile, "/run/all"
                    token
                ],
                [ "brokerUrl=https://broker.example/v1"; "brokerTokenFile=/run/token" ]
                [ Variable.SharedUrlCommand, "presign a" ], [ "urlCommand=presign (1 argument)" ]
                [ Variable.SharedUrlCommand, "presign"; manifest ], [ "urlsFile=/etc/urls.json" ]
                [ Variable.SharedBrokerUrl, https; command "presign" ], [ "urlCommand=presign" ]
                [ command "presign"; Variable.SharedBindDigest, "1" ],
                [ "urlCommand=presign"; "bindDigest=1" ]
                [
                    command "presign"
                    Variable.SharedBindDigest, "1"
                    suffixed Variable.BindDigest "a", "0"
                ],
                [ "urlCommand=presign" ]
            ]
            (fst >> resolveA >> outcome)
            snd

        testCase "the token of a shared broker is not sent to a target's own" (fun () ->
            let resolution =
                resolve [ s3 "a"; s3 "b" ] [] [
                    broker https
                    Variable.SharedBrokerUrl, "unix:/run/all"
                    Variable.SharedBrokerTokenFile, "/run/all-token"
                ]

            Expect.sequenceEqual
                (outcome resolution)
                [
                    "brokerUrl=https://broker.example/v1"
                    "brokerTokenFile=none"
                    "brokerUrl=unix:/run/all"
                    "brokerTokenFile=/run/all-token"
                ]
                "each its own")

        testCase "are refused with the variables that are at fault" (fun () ->
            for given, parts in
                [
                    [ broker "http://broker.example/" ], [ fst (broker ""); "http to another host"; "https" ]
                    [ broker "unix:" ], [ fst (broker ""); "without a path"; "unix:/run/broker.sock" ]
                    [ broker "unix:run/b" ], [ fst (broker ""); "not an absolute path" ]
                    [ broker "unix://run/b" ], [ fst (broker ""); "not an absolute path" ]
                    [ broker ("unix:/" + System.String('x', 107)) ], [ fst (broker ""); "108 bytes"; "107" ]
                    [ broker "ftp://broker.example/" ], [ fst (broker ""); "broker URL" ]
                    [ broker "https://user:s3cr3ts3cr3t@broker.example/" ], [ fst (broker "") ]
                    [ command "\"open" ], [ fst (command ""); "double quote" ]
                    [ command "presign | tee log" ], [ fst (command ""); "'|'"; "sh -c" ]
                    [ command "https://h/?X-Amz-Signature=s3cr3ts3cr3t" ], [ fst (command ""); "is a URL" ]
                    [ url; broker https ], [ fst (broker ""); fst url; "Keep one of the two" ]
                    [ manifest; command "presign" ],
                    [ fst (command ""); fst manifest; "Keep one of the two" ]
                    [ url; manifest; broker https; command "presign" ],
                    [ fst (command ""); fst url; fst manifest; fst (broker ""); "Keep one of them" ]
                    [ url; token ], [ fst token; fst (broker ""); "nothing reads the token" ]
                    [ command "presign"; token ], [ fst token; "nothing reads the token" ]
                    [ Variable.SharedBrokerUrl, https; Variable.SharedUrlCommand, "presign" ],
                    [ Variable.SharedUrlCommand; Variable.SharedBrokerUrl; "Keep one of the two" ]
                    [ url; Variable.SharedBrokerTokenFile, "/run/token" ],
                    [ Variable.SharedBrokerTokenFile; "not set" ]
                    [
                        broker https
                        suffixed Variable.BrokerTokenFile "a", "https://h/?X-Amz-Signature=s3cr3ts3cr3t"
                    ],
                    [ fst token; "Give the path of the file" ]
                    [], [ fst url; "It is not set"; fst manifest; fst (broker ""); fst (command "") ]
                ] do
                let messages = (resolveA given).Problems |> List.map _.Message
                Expect.exists messages (isWrong parts) $"%A{given}: %A{messages}"

                for message in messages do
                    Expect.isFalse (message.Contains "s3cr3ts3cr3t") message)

        testCase "the problem of two shared sources is reported once" (fun () ->
            let resolution =
                resolve [ s3 "a"; s3 "b" ] [] [
                    Variable.SharedBrokerUrl, https
                    Variable.SharedUrlCommand, "presign"
                ]

            Expect.equal resolution.Problems.Length 1 (lines resolution.Problems)
            Expect.all resolution.Targets (fun report -> report.Settings.IsNone) "none can be used")

        testCase "a target whose URLs are asked for has none before" (fun () ->
            for given in [ [ broker https ]; [ command "presign" ] ] do
                let settings = (resolveA given).Targets.Head.Settings |> Option.get

                let cell = CellId.create "c" |> Result.defaultWith (fun r -> failwith r.Message)
                Expect.isNone (Settings.forCell cell settings).Url "no URL")

        testCase "the digests of a manifest's artifacts are bound to nothing" (fun () ->
            let bound given =
                let resolution = resolveA ((suffixed Variable.BindDigest "a", "1") :: given)
                let settings = resolution.Targets.Head.Settings |> Option.get
                let cell = CellId.create "c" |> Result.defaultWith (fun r -> failwith r.Message)
                (Settings.forCell cell settings).BindDigest

            Expect.isTrue (bound [ broker https ]) "a broker can sign them"
            Expect.isFalse (bound [ manifest ]) "a manifest cannot")
    ]
