/// Cell specs and environments, valid and hostile, some with secrets pasted into the wrong places.
module CellOS.Export.S3.Core.Tests.SpecGenerators

open System
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Generators
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let s3 (name: string) : SpecTarget = {
    Name = name
    Kind = "s3"
    Bucket = "evidence"
    Region = "us-west-2"
    KeyPrefix = null
    Line = None
}

let listed (name: string) : SpecArtifact = {
    Name = name
    Path = name
    Target = null
    Line = None
}

let lines (problems: ConfigProblem list) =
    problems |> List.map string |> String.concat "\n"

let specOf targets artifacts =
    match CellSpec.create targets artifacts with
    | Ok spec -> spec
    | Error problems -> failwithf "The spec is wrong: %s" (lines problems)

let nameOf (text: string) =
    match TargetName.create text with
    | Ok name -> name
    | Error refusal -> failwithf "The name is wrong: %O" refusal

let suffixed (stem: string) (target: string) = Variable.forTarget (nameOf target) stem

/// At noon, with these variables.
let contextOf (variables: (string * string) list) : SettingsContext =
    let map = Map.ofList variables

    {
        Lookup = map.TryFind
        Names = variables |> List.map fst
        Now = noon
        CellId = None
        HasProvider = false
    }

let resolve targets artifacts variables =
    Settings.resolve (contextOf variables) (specOf targets artifacts)

/// A URL with a secret that somebody pasted where a name, a path or a number belongs: as it is, escaped, in the
/// midst of words, without its scheme.
let pasted =
    gen {
        let! token = secret
        let! name = Gen.elements [ "token"; "sig"; "X-Amz-Signature"; "key"; "t" ]

        let gateway = {
            Url = $"https://gw.example/put?{name}={token}"
            Secrets = [ token ]
        }

        let! planted = Gen.frequency [ 1, presigned; 1, Gen.constant gateway ]

        let url = planted.Url

        let! written =
            Gen.elements [
                url
                url
                Uri.EscapeDataString url
                Uri.EscapeDataString(Uri.EscapeDataString url)
                url.Replace("/", "\\/")
                $" see {url} \r\n"
                url.Substring(url.IndexOf "://" + 3)
                url.Substring(url.IndexOf '?')
                url.Replace("://", $"://user:{token}@")
                url.Replace("?", "#?")
                url.ToUpperInvariant()
                $"\"{url}\""
            ]

        return {
            Url = written
            Secrets = token :: planted.Secrets
        }
    }

/// A text and the secrets in it.
let private plain (text: Gen<string>) =
    text |> Gen.map (fun text -> { Url = text; Secrets = [] })

/// Mostly what is meant, sometimes anything, sometimes a pasted URL.
let mostly (meant: string list) =
    Gen.frequency [ 24, plain (Gen.elements meant); 1, plain anyTextOrNull; 1, pasted ]

/// A value, and the secrets in what was generated for it.
type Hostile<'a> = { Value: 'a; Secrets: string list }

let private names = [ "artifact-bucket"; "a"; "b.1"; "9_lives"; "Cold-Store" ]

let private target (name: string) =
    gen {
        let! name = mostly [ name ]
        let! kind = mostly [ "s3"; "s3"; "s3"; "S3"; "http"; "local" ]
        let! bucket = mostly [ "evidence"; "my.bucket"; "Üblich"; "x" ]
        let! region = mostly [ "us-west-2"; Unchecked.defaultof<string>; " eu-central-1 " ]
        let! keyPrefix = mostly [ Unchecked.defaultof<string>; "audit/2026"; "/a//b/" ]

        let target: SpecTarget = {
            Name = name.Url
            Kind = kind.Url
            Bucket = bucket.Url
            Region = region.Url
            KeyPrefix = keyPrefix.Url
            Line = Some 3
        }

        return {
            Value = target
            Secrets = [ name; kind; bucket; region; keyPrefix ] |> List.collect _.Secrets
        }
    }

let private artifactFor (targets: string list) =
    gen {
        let! name =
            Gen.frequency [ 3, mostly [ "logs/stdout.txt"; "a"; "b" ]; 2, plain artifactText ]

        let! path = mostly [ "out/stdout.txt"; "./a"; "a b" ]
        let! target = mostly targets

        let artifact: SpecArtifact = {
            Name = name.Url
            Path = path.Url
            Target = target.Url
            Line = Some 9
        }

        return {
            Value = artifact
            Secrets = [ name; path; target ] |> List.collect _.Secrets
        }
    }

/// The targets and artifacts of a spec, before anything is checked.
let unchecked =
    gen {
        let! count = Gen.choose (1, names.Length)
        let! chosen = Gen.shuffle (Array.ofList names)
        let chosen = chosen |> List.ofArray |> List.truncate count
        let! targets = chosen |> List.map target |> Gen.sequenceToList

        let! artifacts =
            Gen.choose (0, 3) |> Gen.bind (fun n -> Gen.listOfLength n (artifactFor chosen))

        return {
            Value = targets |> List.map _.Value, artifacts |> List.map _.Value
            Secrets = (targets |> List.collect _.Secrets) @ (artifacts |> List.collect _.Secrets)
        }
    }

/// Several good targets, with artifacts for the first.
let goodSpec =
    gen {
        let! count = Gen.choose (1, names.Length)
        let! chosen = Gen.shuffle (Array.ofList names)
        let chosen = chosen |> List.ofArray |> List.truncate count
        let! prefixes = Gen.listOfLength count (Gen.elements [ ""; "audit" ])
        let! many = Gen.choose (0, 3)

        return
            specOf (List.map2 (fun name prefix -> { s3 name with KeyPrefix = prefix }) chosen prefixes) [
                for n in 1..many do
                    {
                        listed $"logs/{n}" with
                            Target = chosen.Head
                    }
            ]
    }

let private valueOf (stem: string) =
    match stem with
    | Variable.PresignedUrl
    | Variable.LegacyUrl -> Gen.frequency [ 3, presigned; 1, anyUrl; 1, plain templateText; 1, pasted ]
    | Variable.PresignedUrlsFile -> Gen.frequency [ 2, plain (Gen.constant "/etc/urls.json"); 1, pasted ]
    | Variable.BrokerUrl
    | Variable.SharedBrokerUrl ->
        Gen.frequency [
            3, plain (Gen.elements [ "https://broker.example/v1"; "unix:/run/b"; "http://h/" ])
            1, presigned
            1, pasted
        ]
    | Variable.UrlCommand
    | Variable.SharedUrlCommand -> mostly [ "presign"; "presign 'a b'"; "presign | tee"; "\"" ]
    | Variable.BrokerTokenFile
    | Variable.SharedBrokerTokenFile
    | Variable.SealKey
    | Variable.SealPasswordFile
    | Variable.CaBundle -> mostly [ "/etc/ca.pem" ]
    | Variable.Region -> mostly [ "eu-west-1"; "us-west-2" ]
    | Variable.RetryMode -> mostly [ "fixed"; "Exponential"; "linear" ]
    | Variable.Integrity -> mostly [ "off"; "verify"; "require"; "maybe" ]
    | Variable.WriteOnce
    | Variable.ContentMd5
    | Variable.BindDigest
    | Variable.SharedBindDigest
    | Variable.Strict -> mostly [ "1"; "0"; "yes"; "2" ]
    | _ -> mostly [ "1"; "3"; "500"; "0"; "-1"; "9223372036854775808"; "x" ]

/// Environment variables, in any order: those of the table for these targets, others like them, and whatever else.
let environment (targets: TargetName list) : Gen<Hostile<(string * string) list>> =
    gen {
        let known = [
            for row in Variable.all do
                if row.PerTarget then
                    for target in targets do
                        Variable.forTarget target row.Name, row.Name
                else
                    row.Name, row.Name
        ]

        let variable (name, stem) =
            valueOf stem
            |> Gen.map (fun (value: Planted) -> {
                Value = name, value.Url
                Secrets = value.Secrets
            })
            |> Gen.optionOf

        let! values = known |> List.map variable |> Gen.sequenceToList

        let other =
            gen {
                let! ending = mostly [ "REGIONS__A"; "TIMEOUT"; "region__A"; "" ]
                let! prefix = Gen.elements [ Variable.Prefix; "cellos_export_s3_"; "PATH_"; "" ]
                let! value = mostly [ "x" ]

                return {
                    Value = prefix + ending.Url, value.Url
                    Secrets = ending.Secrets @ value.Secrets
                }
            }

        let! others = Gen.choose (0, 3) |> Gen.bind (fun n -> Gen.listOfLength n other)

        let all =
            List.choose id values @ others
            |> List.filter (fun item -> not (isNull (box (snd item.Value))))
            |> List.distinctBy (fun item -> fst item.Value)

        let! shuffled = Gen.shuffle (Array.ofList all)

        return {
            Value = shuffled |> Array.map _.Value |> List.ofArray
            Secrets = all |> List.collect _.Secrets
        }
    }
