/// Every public type, case, field, function and constant of the F# libraries has a doc comment. In C#, the compiler sees
/// to that (CS1591).
module PublicApi.Tests.DocumentationTests

open System
open System.IO
open System.Reflection
open System.Xml.Linq
open Expecto
open Microsoft.FSharp.Reflection

/// The ids (T:…, P:…, M:…) of all that has a comment, without arguments.
let private documented (assembly: Assembly) : Set<string> =
    let xml = XDocument.Load(nonNull (Path.ChangeExtension(assembly.Location, ".xml")))

    xml.Descendants(XName.Get "member")
    |> Seq.map (fun it ->
        let id = (nonNull (it.Attribute(XName.Get "name"))).Value
        id.Split('(', '`')[0])
    |> Set.ofSeq

let private nameOf (shown: Type) =
    (nonNull shown.FullName).Replace('+', '.').Split('`')[0]

let private isUnionCase (shown: Type) =
    shown.IsNested && FSharpType.IsUnion(nonNull shown.DeclaringType)

/// What may stand for a member in the file, any of it.
let private members (shown: Type) : (string * string list) list = [
    let name = nameOf shown
    name, [ $"T:{name}" ]

    let isModule = shown.IsAbstract && shown.IsSealed

    if FSharpType.IsUnion shown then
        for it in FSharpType.GetUnionCases shown do
            let it = $"{name}.{it.Name}"
            it, [ $"T:{it}"; $"P:{it}"; $"M:{name}.New{it.Substring(name.Length + 1)}" ]
    elif FSharpType.IsRecord shown then
        for it in FSharpType.GetRecordFields shown do
            $"{name}.{it.Name}", [ $"P:{name}.{it.Name}" ]
    elif isModule then
        for it in shown.GetMembers(BindingFlags.Static ||| BindingFlags.Public ||| BindingFlags.DeclaredOnly) do
            match it with
            | :? MethodInfo as it when it.IsSpecialName -> ()
            | :? Type -> ()
            | it -> $"{name}.{it.Name}", [ for kind in "MPF" -> $"{kind}:{name}.{it.Name}" ]
]

let private undocumented (assembly: Assembly) =
    let known = documented assembly

    let all =
        assembly.GetExportedTypes()
        |> Seq.filter (isUnionCase >> not)
        |> Seq.collect members
        |> List.ofSeq

    all.Length,
    [
        for name, ids in all do
            if not (ids |> List.exists known.Contains) then
                name
    ]

[<Tests>]
let tests =
    testList "doc comments" [
        for library in [ "CellOS.Export.S3.Core"; "CellOS.Export.S3.FsCheck" ] do
            testCase $"are there for all that {library} shows" (fun () ->
                let count, without = undocumented (Assembly.Load library)
                Expect.isGreaterThan count 50 "members were found"
                Expect.equal without [] "all have one")

        testCase "are missed where there is none" (fun () ->
            // Test programs have no file of documentation but that of what they refer to.
            let bare =
                typeof<int option>.Assembly.GetType "Microsoft.FSharp.Core.FSharpOption`1"

            let names = members (nonNull bare) |> List.map fst
            Expect.contains names "Microsoft.FSharp.Core.FSharpOption.Some" "a case is asked for")
    ]
