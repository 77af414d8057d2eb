# Hashes of arrays of hashes, sorting, splitting and joining.
use strict;
use warnings;

my (%group, %seen);
my $x = 12345;
for my $i (1 .. 120000) {
	$x = ($x * 1103515245 + 12345) % 2147483648;
	my $key = sprintf("%05x", $x % 50021);
	push @{$group{$key}}, { id => $i, name => "name $x", list => [$i, $x] };
	$seen{"name $x"} = $i;
}

my $sum = 0;
for my $key (sort keys %group) {
	my @members = sort { $a->{name} cmp $b->{name} } @{$group{$key}};
	$sum += $_->{list}[1] % 1000 for @members;
}
print scalar(keys %group), " ", scalar(keys %seen), " $sum\n";

my $text = join(",", map { "$_=$seen{$_}" } sort keys %seen);
my @parts = split /[,=]/, $text;
$text =~ s/(\d)(\d)/$2$1/g;
my %count;
$count{$_}++ for $text =~ /\d{4}/g;
my @top = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print scalar(@parts), " ", length($text), " @top[0 .. 4]\n";
