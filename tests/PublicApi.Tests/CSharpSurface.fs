/// The public surface of an assembly of C#, a line for each type and each member.
module PublicApi.Tests.CSharpSurface

open System
open System.Reflection
open System.Runtime.CompilerServices
open PublicApi.Tests.Parts
open PublicApi.Tests.TypeText

let private text = textOf CSharp

/// A record has a method for `with`, which no class can be given by hand.
let private isRecord (t: Type) =
    t.GetMethod("<Clone>$", every) <> null
    || (t.IsValueType && t.GetMethod("PrintMembers", every) <> null)

let private parameter (it: ParameterInfo) =
    let direction =
        match it with
        | it when it.IsDefined(typeof<ParamArrayAttribute>, false) -> "params "
        | it when not it.ParameterType.IsByRef -> ""
        | it when it.IsOut -> "out "
        | it when it.IsIn -> "in "
        | _ -> "ref "

    let value =
        if it.HasDefaultValue then
            $" = {valueText CSharp it.ParameterType it.RawDefaultValue}"
        else
            ""

    $"{direction}{parameterText CSharp it} {it.Name}{value}"

let private parameters (it: MethodBase) =
    let listed = it.GetParameters() |> Array.map parameter |> String.concat ", "

    if has<ExtensionAttribute> it then $"(this {listed})" else $"({listed})"

let private generic (arguments: Type[]) =
    match arguments with
    | [||] -> ""
    | arguments ->
        let shown =
            arguments
            |> Array.map (fun it ->
                let variance =
                    it.GenericParameterAttributes &&& GenericParameterAttributes.VarianceMask

                match variance with
                | GenericParameterAttributes.Covariant -> $"out {it.Name}"
                | GenericParameterAttributes.Contravariant -> $"in {it.Name}"
                | _ -> it.Name)

        $"""<{String.concat ", " shown}>"""

let private said (owner: Type) (words: string list) (it: MemberInfo) (rest: string) =
    let before =
        match words with
        | [] -> ""
        | words -> String.concat " " words + " "

    it.Name, withAttributes it $"{before}{shortName owner}.{rest}"

let private constructor (owner: Type) (it: ConstructorInfo) =
    said owner (modifiers it) it $"{(owner.Name.Split '`')[0]}{parameters it}"

let private method (owner: Type) (it: MethodInfo) =
    let arguments = if it.IsGenericMethod then it.GetGenericArguments() else [||]

    said
        owner
        (modifiers it)
        it
        $"{it.Name}{generic arguments}{parameters it} -> {returnText CSharp it}{constraintsOf CSharp arguments}"

let private isInit (setter: MethodInfo) =
    setter.ReturnParameter.GetRequiredCustomModifiers()
    |> Array.exists (fun it -> it.Name = "IsExternalInit")

let private property (owner: Type) (it: PropertyInfo) =
    let accessor name (found: MethodInfo | null) =
        match found with
        | null -> []
        | found when isShown found -> [ (if found.IsPublic then name else $"protected {name}") ]
        | _ -> []

    let setter =
        match it.SetMethod with
        | null -> "set"
        | set when isInit set -> "init"
        | _ -> "set"

    let accessors = accessor "get" it.GetMethod @ accessor setter it.SetMethod
    let required = if has<RequiredMemberAttribute> it then [ "required" ] else []

    let one = it.GetAccessors true |> Array.filter isShown |> Array.head |> modifiers

    let index =
        match it.GetIndexParameters() with
        | [||] -> ""
        | found -> $"""[{found |> Array.map parameter |> String.concat ", "}]"""

    said
        owner
        (one @ required)
        it
        $"""{it.Name}{index} {{ {String.concat "; " accessors}; }} -> {propertyText CSharp it}"""

let private field (owner: Type) (it: FieldInfo) =
    if owner.IsEnum then
        said owner [] it $"{it.Name} = {it.GetRawConstantValue()}"
    elif it.IsLiteral then
        said
            owner
            [ "const" ]
            it
            $"{it.Name} = {valueText CSharp it.FieldType (it.GetRawConstantValue())} -> {fieldText CSharp it}"
    else
        let words = [
            if it.IsStatic then
                "static"
            if it.IsInitOnly then
                "readonly"
        ]

        said owner words it $"{it.Name} -> {fieldText CSharp it}"

let private kind (t: Type) =
    let record = isRecord t

    if t.IsInterface then
        "interface"
    elif t.IsEnum then
        "enum"
    elif t.IsSubclassOf typeof<Delegate> then
        "delegate"
    elif t.IsValueType then
        (if
             t.CustomAttributes
             |> Seq.exists (fun it -> it.AttributeType.Name = "IsReadOnlyAttribute")
         then
             "readonly "
         else
             "")
        + (if record then "record struct" else "struct")
    else
        (if t.IsAbstract && t.IsSealed then "static "
         elif t.IsAbstract then "abstract "
         elif t.IsSealed then "sealed "
         else "")
        + (if record then "record" else "class")

let private full (t: Type) =
    match t.Namespace with
    | null -> shortName t
    | space -> $"{space}.{shortName t}"

let private arity (t: Type) =
    let outer =
        match t.DeclaringType with
        | null -> 0
        | outer -> outer.GetGenericArguments().Length

    t.GetGenericArguments() |> Array.skip outer

/// The line of the type itself.
let private header (t: Type) =
    let implied (it: Type) =
        isRecord t
        && it.IsGenericType
        && it.GetGenericTypeDefinition() = typedefof<IEquatable<int>>

    if t.IsSubclassOf typeof<Delegate> then
        let invoke = nonNull (t.GetMethod "Invoke")

        $"delegate {full t}{generic (arity t)}{parameters invoke} -> {returnText CSharp invoke}{constraintsOf CSharp (arity t)}"
    else
        let ancestors =
            if t.IsEnum then
                [ plain CSharp (Enum.GetUnderlyingType t) ]
            else
                ancestorsOf CSharp implied t

        let ancestors =
            match ancestors with
            | [] -> ""
            | found -> $""" : {String.concat ", " found}"""

        $"{kind t} {full t}{generic (arity t)}{ancestors}{constraintsOf CSharp (arity t)}"

let private isShownField (it: FieldInfo) =
    (it.IsPublic || it.IsFamily || it.IsFamilyOrAssembly) && not it.IsSpecialName

/// The lines of the members, in their stable order.
let private members (t: Type) =
    if t.IsSubclassOf typeof<Delegate> then
        []
    elif t.IsEnum then
        // By value, as they were written.
        [
            for it in t.GetFields(BindingFlags.Public ||| BindingFlags.Static) do
                Convert.ToDecimal(it.GetRawConstantValue()), field t it
        ]
        |> List.sortBy fst
        |> List.map (snd >> snd)
    else
        ordered [
            for it in t.GetConstructors every do
                // That without parameters of a struct is none that was written.
                if isShown it && isWritten it && not it.IsStatic then
                    constructor t it
            for it in t.GetMethods every do
                if isShown it && isWritten it && (not it.IsSpecialName || it.Name.StartsWith "op_") then
                    method t it
            for it in t.GetProperties every do
                if it.GetAccessors true |> Array.exists isShown && isWritten it then
                    property t it
            for it in t.GetEvents every do
                if it.AddMethod <> null && isShown (nonNull it.AddMethod) then
                    let shown = text (nonNull it.EventHandlerType) (Some(nullabilityOfEvent it))
                    said t ("event" :: modifiers (nonNull it.AddMethod)) it $"{it.Name} -> {shown}"
            for it in t.GetFields every do
                if isShownField it && isWritten it then
                    field t it
        ]

/// The type, and indented below it its members.
let linesOf (t: Type) : string list =
    withAttributes t (header t) :: [ for line in members t -> $"  {line}" ]
